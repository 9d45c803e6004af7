import { Logger } from '@nestjs/common';
import { asInstallation, decodeClaimEvent, isForeignClaim } from '../../domain/claim.js';
import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { type Database } from '../../ports/database/database.js';
import { type KafkaConnection } from './client/kafka-connection.js';
import { isDenied } from './client/kafka-errors.js';

/** Another installation uses our topic or our group; the message names both. */
export class ForeignInstallationError extends Error {
  override readonly name = 'ForeignInstallationError';
}

const MEMBER = /^coupon-installation-(.+)$/;

/** The client id of a consumer: the group's other members learn by it whose it is. */
export function memberName(installation: string): string {
  return `coupon-installation-${installation}`;
}

/**
 * Looks whether another installation uses the topic or the group: at the live members of the group, and at the last
 * record of each partition that the group has not settled. It sees most mistakes before they do harm, and not all of them.
 * The consumer looks at each claim.
 *
 * A record proves nothing: we cannot verify another installation's key, so a forger can write it. It stops a group that has
 * never settled anything here, of an installation without coupons: that is how a second deployment begins. An installation
 * that works already starts all the same, also when the group's offsets have expired or the group is new, and its consumer
 * stands at that record.
 */
export class InstallationCheck {
  private readonly logger = new Logger(InstallationCheck.name);
  private id: string | null = null;
  private lastLogged = '';

  constructor(
    private readonly database: Pick<Database, 'read'>,
    private readonly config: KafkaConfig,
  ) {}

  /** The id of this installation. @throws DatabaseError */
  async own(): Promise<string> {
    if (this.id !== null) return this.id;
    const { installation, signedSince } = await this.database.read((unit) => unit.gate.read());
    if (signedSince === null) {
      this.logger.warn(
        `whoever may write to ${this.config.topic} can make coupons: unsigned events are accepted until ` +
          'npm run rotate-event-key -- --refuse-unsigned',
      );
    }
    this.id = installation;
    return this.id;
  }

  /** @throws ForeignInstallationError; DatabaseError; or what the connection rejects with. */
  async check(connection: KafkaConnection): Promise<void> {
    const own = await this.own();
    const { topic, groupId } = this.config;
    for (const clientId of await visible(connection.memberClientIds(groupId))) {
      const other = MEMBER.exec(clientId)?.[1];
      if (other !== undefined && other !== own) throw foreign('KAFKA_GROUP_ID', groupId, asInstallation(other), own);
    }
    const settled = await connection.committed(groupId);
    const others = new Set<string>();
    const partitions: number[] = [];
    for (const { partition, offset, value } of await visible(connection.lastRecords())) {
      // The group is past it: an operator has moved it there, after such a mistake.
      if (offset < (settled.get(partition) ?? 0)) continue;
      const decoded = decodeClaimEvent(value);
      const sender = decoded.kind === 'claim' ? decoded.event : decoded;
      if (!isForeignClaim(sender, own)) continue;
      others.add(String(sender.installation));
      partitions.push(partition);
    }
    const [other] = others;
    if (other === undefined) return;
    const error = foreign('KAFKA_TOPIC', topic, other, own);
    // mutant: record-stops-a-start
    if (settled.size === 0 && !(await this.hasCoupons())) throw error;
    this.logOnce(
      `${error.message}. This process goes on, and takes nothing that lies behind such a claim: partitions ` +
        `${partitions.sort((a, b) => a - b).join(', ')}. Or somebody else writes to ${topic}`,
    );
  }

  /** The log and the consumer of a process look one after the other, and see the same. */
  private logOnce(text: string): void {
    if (text !== this.lastLogged) this.logger.error(text);
    this.lastLogged = text;
  }

  /** Coupons come from claims that a consumer of ours has settled, in this group or in one before. */
  private async hasCoupons(): Promise<boolean> {
    return (await this.database.read((unit) => unit.coupons.lastId())) > 0;
  }
}

/** Nothing, where this user may not ask. */
async function visible<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    if (isDenied(error)) return [];
    throw error;
  }
}

function foreign(variable: string, name: string, other: string, own: string): ForeignInstallationError {
  return new ForeignInstallationError(
    `${variable}: ${name} is used by installation ${other}, and this is installation ${own}. Two deployments on one topic ` +
      'or group stand before the claims of the other: give each its own KAFKA_TOPIC and KAFKA_GROUP_ID',
  );
}
