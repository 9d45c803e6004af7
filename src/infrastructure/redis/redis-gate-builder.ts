import { type Claim, decodeRecord, encodeRecord } from '../../domain/claim.js';
import { GateBuilder, type LeftBehind, type StagedCampaign, type StagedClaim } from '../../ports/gate/gate-builder.js';
import { GateTimeoutError, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { termsArguments } from './gate-arguments.js';
import { fenceOf, gateScript, readScript } from './gate-script.js';
import { type RedisConnection } from './redis-connection.js';
import { toGateError } from './redis-errors.js';
import { ANY_GATE_KEY, type ParsedKey, parseGateKey, rosterKey, storedKeys } from './redis.keys.js';
import { isSameMemory, type ServerInfo } from './server-info.js';

/** Claims that one call stages. Redis runs one script at a time, and this many claims take about a millisecond. */
const STAGED_AT_ONCE = 500;
/** Calls that are under way at once. */
const IN_FLIGHT = 4;
/** Keys that one SCAN looks at. */
const SCANNED_AT_ONCE = 1_000;
/** Pending entries of a sealed campaign that one call looks at. */
const LEFT_AT_ONCE = 2_000;

// They are sent whole by EVAL. They open nothing, so a server that has forgotten its scripts may learn them again.
const STAGE_CLAIMS = readScript('stage-claims-2.lua');
const OPEN_STAGED = readScript('open-staged-4.lua');
const SEAL_CAMPAIGN = readScript('seal-campaign-3.lua');
const LEFT_BEHIND = readScript('left-behind-4.lua');

/** What a campaign has to hold when it is opened. */
interface Staged {
  claims: number;
  pending: number;
}

/** Builds the gate in Redis, beside the one that other processes may still use. */
export class RedisGateBuilder extends GateBuilder {
  /** A 202 leaves at most D after its claim, and needs a read of the gate row that is no older than 1 s. */
  // mutant: no-quiesce-time
  readonly quiesceMs: number = 3_000;

  /** Epoch → the server on which its older epochs were dropped. The epoch may only be opened on that server. */
  private readonly droppedOn = new Map<number, ServerInfo>();

  /**
   * Key of the claims → what was staged. When Redis is emptied during a rebuild, the builder must not open an empty
   * gate.
   */
  private readonly staged = new Map<string, Staged>();

  private installation: string | null = null;

  constructor(private readonly connection: RedisConnection) {
    super();
  }

  useInstallation(installation: string): void {
    this.installation = installation;
  }

  async dropEpochsBelow(epoch: number, ownEpochs: readonly number[] = [], lastOpen = 0): Promise<readonly string[]> {
    const own = this.ownInstallation();
    const unnamed = new Set(ownEpochs);
    // mutant: foreign-keys-dropped
    const isOwn = (key: ParsedKey) => (key.installation === null ? unnamed.has(key.epoch) : key.installation === own);
    const server = await this.attempt(() => this.connection.newBulkServer());
    const sealed = new Set<string>();
    const isLast = (key: ParsedKey) => key.epoch === lastOpen && key.installation === own;
    const isKept = (key: ParsedKey) => isLast(key) && sealed.has(key.campaignId);
    // A claim that finds no meta, or a sealed one, is fenced. So it is enough that this is done before the rest.
    await this.forEachKey(async (keys) => {
      const metas = keys.filter((key) => key.isMeta && key.epoch < epoch && isOwn(key));
      const last = metas.filter(isLast).map(({ campaignId }) => campaignId);
      const outcomes = await Promise.all(last.map((campaignId) => this.seal(campaignId, lastOpen)));
      for (const campaignId of last.filter((_id, index) => outcomes[index] === 'SEALED')) sealed.add(campaignId);
      await this.unlink(metas.filter((key) => !isKept(key)));
    });
    await this.forEachKey((keys) => this.unlink(keys.filter((key) => key.epoch < epoch && isOwn(key) && !isKept(key))));
    this.droppedOn.clear();
    this.staged.clear();
    this.droppedOn.set(epoch, server);
    await this.assertSameServer(epoch);
    return [...sealed];
  }

  leftBehind(lastOpen: number, epoch: number, campaignId: string): Promise<LeftBehind | null> {
    const { meta, appliedUser, pending } = this.keysOf(campaignId, lastOpen);
    const building = this.keysOf(campaignId, epoch).appliedUser;
    const look = async (offset: number) => {
      const keys = [meta, appliedUser, pending, building];
      const answer = await this.connection.bulk.eval(LEFT_BEHIND, 4, ...keys, offset, LEFT_AT_ONCE);
      return answer as [number?, number?, ...string[]];
    };
    return this.attempt(async () => {
      const claims: Claim[] = [];
      for (let offset = 0; ; offset += IN_FLIGHT * LEFT_AT_ONCE) {
        const pages = await Promise.all(
          Array.from({ length: IN_FLIGHT }, (_, page) => look(offset + page * LEFT_AT_ONCE)),
        );
        for (const [looked, staged, ...entries] of pages) {
          if (looked === undefined || staged === undefined) return null;
          for (let at = 0; at < entries.length; at += 2) {
            const [userId = '', record = ''] = entries.slice(at, at + 2);
            claims.push({ campaignId, userId, ...decodeRecord(record) });
          }
          if (looked < LEFT_AT_ONCE) return { claims, staged };
        }
      }
    });
  }

  async dropSealed(lastOpen: number, campaignIds: readonly string[]): Promise<void> {
    await this.attempt(async () => {
      for (let from = 0; from < campaignIds.length; from += STAGED_AT_ONCE) {
        const keys = campaignIds.slice(from, from + STAGED_AT_ONCE).map((id) => this.keysOf(id, lastOpen));
        await this.connection.bulk.unlink(...keys.map(({ meta }) => meta));
        await this.connection.bulk.unlink(...keys.flatMap(({ appliedUser, pending }) => [appliedUser, pending]));
      }
    });
  }

  async stage(epoch: number, campaignId: string, claims: readonly StagedClaim[]): Promise<void> {
    const { appliedUser, pending } = this.keysOf(campaignId, epoch);
    const staged = this.staged.get(appliedUser) ?? { claims: 0, pending: 0 };
    this.staged.set(appliedUser, staged);
    const calls: (() => Promise<void>)[] = [];
    for (let from = 0; from < claims.length; from += STAGED_AT_ONCE) {
      const args: string[] = [];
      for (const claim of claims.slice(from, from + STAGED_AT_ONCE)) {
        const record = encodeRecord(claim);
        args.push(claim.userId, claim.pending ? `+${record}` : record);
      }
      calls.push(async () => {
        const added = await this.connection.bulk.eval(STAGE_CLAIMS, 2, appliedUser, pending, ...args);
        const [claimed, waiting] = added as [number, number];
        staged.claims += claimed;
        staged.pending += waiting;
      });
    }
    await this.attempt(async () => {
      for (let from = 0; from < calls.length; from += IN_FLIGHT) {
        await Promise.all(calls.slice(from, from + IN_FLIGHT).map((call) => call()));
      }
    });
  }

  async installFence(epoch: number): Promise<string> {
    const { replicationId } = await this.assertSameServer(epoch);
    const script = gateScript(epoch, this.ownInstallation(), replicationId);
    const fence = await this.attempt(() => this.connection.bulk.script('LOAD', script));
    if (fence !== fenceOf(script)) {
      throw new GateUnavailableError('Redis has stored another script than the one it got');
    }
    // The field keeps the roster alive while no campaign is in it.
    await this.attempt(() => this.connection.bulk.hset(rosterKey(this.ownInstallation(), epoch), '_', 1));
    return fence;
  }

  async openStaged(epoch: number, campaigns: readonly StagedCampaign[]): Promise<void> {
    await this.assertSameServer(epoch);
    await this.attempt(async () => {
      for (let from = 0; from < campaigns.length; from += STAGED_AT_ONCE) {
        await Promise.all(
          campaigns.slice(from, from + STAGED_AT_ONCE).map(async (campaign) => {
            const { meta, appliedUser, pending } = this.keysOf(campaign.campaignId, epoch);
            const staged = this.staged.get(appliedUser);
            const counts = [staged?.claims ?? 0, staged?.pending ?? 0];
            const keys = [meta, appliedUser, pending, rosterKey(this.ownInstallation(), epoch)];
            const args = [...termsArguments(campaign), campaign.sequence, ...counts, campaign.lastAt ?? 0];
            const outcome = await this.connection.bulk.eval(OPEN_STAGED, keys.length, ...keys, ...args);
            // mutant: lost-ignored
            if (outcome === 'LOST') throw new GateUnavailableError('Redis has lost what was staged there');
          }),
        );
      }
    });
    await this.assertSameServer(epoch);
  }

  async abandon(epoch: number): Promise<void> {
    this.droppedOn.delete(epoch);
    const own = this.ownInstallation();
    await this.forEachKey((keys) => this.unlink(keys.filter((key) => key.epoch === epoch && key.installation === own)));
  }

  private keysOf(campaignId: string, epoch: number) {
    return storedKeys(this.ownInstallation(), campaignId, epoch);
  }

  private ownInstallation(): string {
    if (this.installation === null) throw new Error('the builder does not know whose gate it builds');
    return this.installation;
  }

  /**
   * A server that took over between two steps may still hold what was dropped on the other one.
   * @throws GateUnavailableError
   */
  private async assertSameServer(epoch: number): Promise<ServerInfo> {
    const server = await this.attempt(() => this.connection.bulkServer());
    const expected = this.droppedOn.get(epoch);
    if (expected !== undefined && !isSameMemory(server, expected)) {
      throw new GateUnavailableError('Redis was restarted or replaced in the middle of the rebuild');
    }
    return server;
  }

  private seal(campaignId: string, epoch: number): Promise<unknown> {
    const { meta, appliedUser, pending } = this.keysOf(campaignId, epoch);
    return this.connection.bulk.eval(SEAL_CAMPAIGN, 3, meta, appliedUser, pending);
  }

  private async unlink(keys: readonly ParsedKey[]): Promise<void> {
    if (keys.length > 0) await this.connection.bulk.unlink(...keys.map(({ name }) => name));
  }

  private forEachKey(work: (keys: readonly ParsedKey[]) => Promise<void>): Promise<void> {
    return this.attempt(async () => {
      let cursor = '0';
      do {
        const [next, keys] = await this.connection.bulk.scan(cursor, 'MATCH', ANY_GATE_KEY, 'COUNT', SCANNED_AT_ONCE);
        await work(keys.flatMap((key) => parseGateKey(key) ?? []));
        cursor = next;
      } while (cursor !== '0');
    });
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof GateUnavailableError) throw error;
      const gateError = toGateError(error);
      if (gateError instanceof GateTimeoutError) this.connection.dropBulk();
      throw gateError;
    }
  }
}
