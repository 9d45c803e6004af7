import { readFileSync } from 'node:fs';

/** Files, and connections to other servers, that the process needs beside those of its callers. */
const OTHER_DESCRIPTORS = 256;

/** The default where descriptors would allow more: a connection takes some 20 KB, so memory would end first. */
const MOST_BY_DEFAULT = 65_280;

/**
 * File descriptors that this process may have open; undefined where there is no limit, or none is known (Windows). Node
 * raises the soft limit to the hard one when it starts, so `ulimit -n` gives both.
 */
export function descriptorLimit(): number | undefined {
  const soft = softLimitOfLinux() ?? softLimitOfReport();
  return soft !== undefined && Number.isSafeInteger(soft) ? soft : undefined;
}

/**
 * Connections that may be open at most.
 *
 * @param wanted what the operator asks for, if anything. It is lowered to what leaves enough descriptors for
 * everything else, which is half of a limit that is too low for that.
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

/** Also on macOS; on Linux the file is used because a report looks up the name of each peer. */
function softLimitOfReport(): number | undefined {
  const { userLimits } = process.report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
  };
  const soft = userLimits?.open_files?.soft;
  return soft === undefined ? undefined : Number(soft);
}
