import { type Options } from './options.js';
import { type CampaignJson, type ServiceApi, type ServiceVersion } from './service-api.js';
import { UsageError } from './usage-error.js';

/** What a rehearsal finds before its first call. */
export interface Beginning {
  readonly campaign: CampaignJson;
  /** The campaign is of this rehearsal alone, which closes it afterwards. */
  readonly made: boolean;
  /** Users who have a coupon of the campaign. */
  readonly before: ReadonlySet<string>;
  /** Of the gate; null while it is not open. */
  readonly epoch: number | null;
  readonly version: ServiceVersion;
}

/** The campaign opens at the gate within this time, ms. */
const OPEN_WITHIN_MS = 30_000;

/** Finds or makes the campaign. @throws UsageError if the rehearsal cannot begin. */
export async function begin(api: ServiceApi, options: Options): Promise<Beginning> {
  const epoch = await api.epoch().catch((error: unknown) => {
    const { cause } = error as { cause?: { code?: string } };
    throw new UsageError(
      `no service answers on ${options.url.href} (${cause?.code ?? String(error)}); npm start starts one`,
    );
  });
  if (options.token === undefined) {
    throw new UsageError('it needs the token of an operator: --token, ADMIN_TOKEN, or the file data/admin-token');
  }
  // Before a campaign is made: one that cannot be rehearsed would stay open.
  await requireIssuer(api, options.campaign ?? 'default', `rehearsal-${options.seed}-nobody`);
  const { campaign, made } = await findOrMake(api, options);
  const coupons = made ? [] : await api.coupons(campaign.id);
  const version = await api.version();
  return { campaign, made, before: new Set(coupons.map(({ userId }) => userId)), epoch, version };
}

async function findOrMake(api: ServiceApi, options: Options): Promise<Pick<Beginning, 'campaign' | 'made'>> {
  if (options.campaign === undefined) {
    const { id } = await api.createCampaign(`Rehearsal, seed ${options.seed}`, options.total);
    return { campaign: await opened(api, id), made: true };
  }
  const campaign = await api.campaign(options.campaign);
  if (campaign === null) throw new UsageError(`--campaign: there is no campaign ${options.campaign}`);
  if (campaign.state !== 'OPEN') throw new UsageError(`--campaign: ${campaign.id} is ${campaign.state}, not OPEN`);
  if (campaign.requireEntry) {
    throw new UsageError(
      `--campaign: ${campaign.id} wants an entry token with each claim, which a rehearsal does not have`,
    );
  }
  return { campaign, made: false };
}

async function opened(api: ServiceApi, id: string): Promise<CampaignJson> {
  const deadline = performance.now() + OPEN_WITHIN_MS;
  for (;;) {
    const campaign = await api.campaign(id);
    if (campaign !== null && campaign.state === 'OPEN' && campaign.remaining !== null) return campaign;
    if (performance.now() > deadline) throw new UsageError('the gate does not open: see GET /health/ready');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Asks about a user who has no claim, which every caller may who may claim for users. The service looks at the key first,
 * so there need not be such a campaign.
 */
async function requireIssuer(api: ServiceApi, campaignId: string, userId: string): Promise<void> {
  const { status } = await api.claimStatus(campaignId, userId);
  if (status === 401) {
    throw new UsageError('the service wants to know who claims: --key, an API key of the role issuer');
  }
  if (status === 403) throw new UsageError('--key: it has to be an API key of the role issuer');
}
