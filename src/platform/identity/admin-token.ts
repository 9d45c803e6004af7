import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../config/configuration-error.js';
import { prepareDataDirectory } from '../config/data-directory.js';
import { type AppConfig } from '../config/env.js';
import { StartupError } from '../config/startup-error.js';

/** The secret that opens the admin calls. Abstract, so that tests and deployments can bring their own. */
export abstract class AdminToken {
  abstract readonly value: string;

  /** Accepted as well, while callers change from one token to the other. */
  abstract readonly next: string | undefined;

  /** Where an operator finds it: the variable's name or the file's path, never the value. */
  abstract readonly origin: string;

  /** True only when this start made the token, so that the log can say where it is. */
  abstract readonly created: boolean;

  /**
   * Compares in constant time, always with two tokens, so that the time tells neither which one was nearer nor whether
   * there are two. All are hashed first, because timingSafeEqual needs equal lengths and a length check of its own would
   * tell the token's length.
   */
  matches(candidate: string): boolean {
    this.#digests ??= [digestOf(this.value), digestOf(this.next ?? this.value)];
    const digest = digestOf(candidate);
    const [isCurrent, isNext] = this.#digests.map((known) => timingSafeEqual(known, digest));
    return isCurrent === true || isNext === true;
  }

  #digests: readonly Buffer[] | undefined;
}

class KnownAdminToken extends AdminToken {
  constructor(
    readonly value: string,
    readonly next: string | undefined,
    readonly origin: string,
    readonly created: boolean,
  ) {
    super();
  }
}

/** The file of the token in the data directory. */
export const ADMIN_TOKEN_FILE = 'admin-token';

/**
 * The token from ADMIN_TOKEN, or else from the file `admin-token` in the data directory, which the first start makes
 * with mode 0600. Only the embedded profile gets as far as the file: the other one demands the variable.
 *
 * @throws ConfigurationError when the file holds no usable token.
 * @throws StartupError when the data directory cannot be written.
 */
export function loadAdminToken(config: Pick<AppConfig, 'adminToken' | 'adminTokenNext' | 'dataDir'>): AdminToken {
  if (config.adminToken !== undefined) {
    return new KnownAdminToken(config.adminToken, config.adminTokenNext, 'ADMIN_TOKEN', false);
  }

  prepareDataDirectory(config.dataDir);
  const path = join(config.dataDir, ADMIN_TOKEN_FILE);
  const created = createOnce(path);
  // A copy or a restore may have widened the mode; whoever could read it meanwhile is beyond repair, the rest is not.
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);

  const value = readFileSync(path, 'utf8').trim();
  if (!/^[\x21-\x7e]{16,512}$/.test(value)) {
    throw new ConfigurationError([
      `${path}: expected 16 to 512 printable ASCII characters without spaces; delete the file to have a new one made`,
    ]);
  }
  return new KnownAdminToken(value, config.adminTokenNext, path, created);
}

/** Written elsewhere and linked into place: a crash can leave no half token, and a rival start cannot overwrite it. */
function createOnce(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return false;

  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    // wx: a file or a link that lies there already is not written through.
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600, flush: true });
    linkSync(draft, path);
    return true;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && syscall === 'link') return false;

    throw new StartupError(`${path} cannot be written: ${(error as Error).message}`);
  } finally {
    rmSync(draft, { force: true });
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
