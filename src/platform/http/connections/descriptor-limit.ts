import { readFileSync } from 'node:fs';

/** Descriptors that the process needs for files and for connections to other servers. */
const OTHER_DESCRIPTORS = 256;

/**
 * The most by default, even if there are more descriptors: a connection takes some 20 KB, so memory would run out
 * first.
 */
const MOST_BY_DEFAULT = 65_280;

/** Connections that may be open at the operators' own port, besides those of callers. */
export const FOR_OPERATORS = 128;
/** Descriptors for these, and for the few more of which one request each is read. */
const OPERATORS_DESCRIPTORS = FOR_OPERATORS + 64;

/**
 * How many file descriptors callers and the process itself may use; undefined if there is no limit.
 * @param hasAdminPort the operators' port has its own: callers who use up the others do not keep operators out.
 */
export function callersDescriptors(hasAdminPort: boolean): number | undefined {
  const limit = descriptorLimit();
  return limit === undefined || !hasAdminPort ? limit : Math.max(2, limit - OPERATORS_DESCRIPTORS);
}

/**
 * How many file descriptors this process may have open; undefined if there is no limit or none is known (Windows). Node
 * raises the soft limit to the hard one when it starts, so `ulimit -n` sets both.
 */
export function descriptorLimit(): number | undefined {
  const soft = softLimitOfLinux() ?? softLimitOfReport();
  return soft !== undefined && Number.isSafeInteger(soft) ? soft : undefined;
}

/**
 * How many connections may be open at most.
 *
 * @param wanted the operator's number, if there is one. It is lowered so that 256 descriptors remain for everything
 * else, or half of them if the limit is below 512.
 */
export function mostConnections(wanted: number | undefined, limit: number | undefined): number {
  const fit =
    limit === undefined
      ? Infinity
      : Math.max(1, Math.max(limit - OTHER_DESCRIPTORS, Math.min(OTHER_DESCRIPTORS, Math.floor(limit / 2))));
  return Math.min(wanted ?? MOST_BY_DEFAULT, fit);
}

function softLimitOfLinux(): number | undefined {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Works on macOS too. On Linux the file above is used instead, because a report looks up the name of each peer. */
function softLimitOfReport(): number | undefined {
  const { userLimits } = process.report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
  };
  const soft = userLimits?.open_files?.soft;
  return soft === undefined ? undefined : Number(soft);
}
