import { Database, type UnitOfWork } from '../../src/ports/database/database.js';

/**
 * The real database, which records the calls of its transactions to their stores. SQLite has one writer at a time, so a
 * wrong or missing lock does no harm there. On the servers of the distributed profile it does.
 */
export class RecordingDatabase extends Database {
  /** The calls in their order, as `store.method`. */
  readonly calls: string[] = [];

  constructor(private readonly database: Database) {
    super();
  }

  transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.transaction((unit) => work(this.listening(unit)));
  }

  snapshot<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.snapshot(work);
  }

  read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.read(work);
  }

  private listening(unit: UnitOfWork): UnitOfWork {
    const listen = <S extends object>(name: string, store: S): S =>
      new Proxy(store, {
        get: (target, method) => {
          const value: unknown = Reflect.get(target, method);
          if (typeof value !== 'function') return value;
          return (...parameters: unknown[]) => {
            this.calls.push(`${name}.${String(method)}`);
            return (value as (...parameters: unknown[]) => unknown).apply(target, parameters);
          };
        },
      });
    return {
      gate: listen('gate', unit.gate),
      campaigns: listen('campaigns', unit.campaigns),
      approvals: listen('approvals', unit.approvals),
      drafts: listen('drafts', unit.drafts),
      creations: listen('creations', unit.creations),
      coupons: listen('coupons', unit.coupons),
      failedEvents: listen('failedEvents', unit.failedEvents),
      audit: listen('audit', unit.audit),
      refusals: listen('refusals', unit.refusals),
      apiKeys: listen('apiKeys', unit.apiKeys),
      installationKeys: listen('installationKeys', unit.installationKeys),
      describe: () => unit.describe(),
      now: () => unit.now(),
    };
  }
}
