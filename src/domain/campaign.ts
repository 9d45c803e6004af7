/** The campaign of a claim that names none; it is made when the service starts. */
export const DEFAULT_CAMPAIGN_ID = 'default';

/** The largest stock that a campaign can have; the database's column and the gate are sized for it. */
export const MAX_CAMPAIGN_TOTAL = 10_000_000;
