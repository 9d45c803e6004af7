import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDataDirectory } from '../config/data-directory.js';
import { type AppConfig } from '../config/env.js';
import { ConfigurationError, StartupError } from '../config/startup-error.js';

/** The secret that admin calls need. Abstract, so that tests and deployments can provide their own. */
export abstract class AdminToken {
  abstract readonly value: string;

  /** A second token that is accepted too, while callers change to it. */
  abstract readonly next: string | undefined;

  /** Where an operator finds the token: the variable's name or the file's path, never the value. */
  abstract readonly origin: string;

  /** True if this start made the token. Then a log line says where it is. */
  abstract readonly created: boolean;

  /**
   * Compares in constant time, and always with two tokens. So the time shows neither which token was nearer nor whether
   * there are two. All are hashed first: timingSafeEqual needs equal lengths, and a length check would show the token's
   * length.
   */
  matches(candidate: string): boolean {
    this.#digests ??= [digestOf(this.value), digestOf(this.next ?? this.value)];
    const digest = digestOf(candidate);
    const [isCurrent, isNext] = this.#digests.map((known) => timingSafeEqual(known, digest));
    return isCurrent === true || isNext === true;
  }

  /** Names a right candidate without telling it, so that something can be bound to it. */
  fingerprintOf(candidate: string): string {
    return createHash('sha256').update(`session\n${candidate}`).digest('base64url');
  }

  /** Is it the fingerprint of one of the tokens? */
  isFingerprint(fingerprint: string): boolean {
    return [this.value, this.next].some((token) => token !== undefined && this.fingerprintOf(token) === fingerprint);
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

/** The token's file in the data directory. */
export const ADMIN_TOKEN_FILE = 'admin-token';

/**
 * The token from ADMIN_TOKEN, or from the file `admin-token` in the data directory. The first start makes that file
 * with mode 0600. Only the embedded profile uses the file: the distributed profile requires the variable.
 *
 * @throws ConfigurationError if the file holds no usable token.
 * @throws StartupError if the data directory cannot be written.
 */
export function loadAdminToken(config: Pick<AppConfig, 'adminToken' | 'adminTokenNext' | 'dataDir'>): AdminToken {
  if (config.adminToken !== undefined) {
    return new KnownAdminToken(config.adminToken, config.adminTokenNext, 'ADMIN_TOKEN', false);
  }

  prepareDataDirectory(config.dataDir);
  const path = join(config.dataDir, ADMIN_TOKEN_FILE);
  const created = createOnce(path);
  // A copy or a restore may have widened the mode. Close the file again for all other users.
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);

  const value = readFileSync(path, 'utf8').trim();
  if (!/^[\x21-\x7e]{16,512}$/.test(value)) {
    throw new ConfigurationError([
      `${path}: expected 16 to 512 printable ASCII characters without spaces; delete the file to have a new one made`,
    ]);
  }
  return new KnownAdminToken(value, config.adminTokenNext, path, created);
}

/**
 * Writes a draft and links it into place. So a crash cannot leave half a token, and another start cannot overwrite it.
 */
function createOnce(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return false;

  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    // wx: do not write through a file or link that is already there.
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
