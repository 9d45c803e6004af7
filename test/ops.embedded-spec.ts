import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { CLAIM_REFUSALS } from '../src/domain/refusals.js';
import { MAX_ATTEMPTS, maxBackoffMs } from '../src/domain/retry-policy.js';
import { ADMIN_TOKEN_FILE } from '../src/platform/identity/admin-token.js';
import { riskyAddresses } from '../src/platform/config/address-risks.js';
import { parseEnv } from '../src/platform/config/env.js';
import { ENV_VARIABLES, SECRETS } from '../src/platform/config/variables.js';
import { SHED_REASONS } from '../src/platform/http/connections/connections.js';
import { FAILED_EVENT_STATUSES } from '../src/ports/database/failed-event-store.js';
import { anchorsOf } from './support/markdown.js';
import { type Service, startService } from './support/service.js';

/** This package has no types. */
const semver = createRequire(import.meta.url)('semver') as {
  minVersion(range: string): { version: string } | null;
  satisfies(version: string, range: string): boolean;
};

const text = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

const rules = (parse(text('ops/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\``, 'gms'))].map(
    ([, code]) => code ?? '',
  );
}

describe('the alerts', () => {
  let service: Service;
  let metrics: string;

  beforeAll(async () => {
    service = await startService();
    metrics = await (await fetch(`${service.url}/metrics`)).text();
  });
  afterAll(() => service.stop());

  /** Names as Prometheus stores them. */
  const exported = () =>
    [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s is complete',
    (_name, { expr, labels, annotations }) => {
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(annotations).toEqual({
        summary: expect.stringMatching(/\S/),
        description: expect.stringMatching(/\S/),
        runbook_url: expect.stringMatching(/^docs\/operations\.md#/),
      });
      expect(anchorsOf(text('docs/operations.md'))).toContain(annotations['runbook_url']?.split('#')[1]);
      const named = expr.match(/\bcoupon_\w+/g) ?? ['up'];
      expect([...exported(), 'up']).toEqual(expect.arrayContaining(named));
    },
  );

  it('have names of their own', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it('lead to the runbook at any address, through the command that the runbook gives', () => {
    const command = /sed "([^"]+)" ops\/alerts\.yml/.exec(text('docs/operations.md'))?.[1] ?? 'no command';
    const BASE = 'https://example.com/coupons';
    const installed = execFileSync('sed', [command.replace('$BASE', BASE), 'ops/alerts.yml'], { encoding: 'utf8' });
    const urls = [...installed.matchAll(/runbook_url: (\S+)$/gm)].map(([, url]) => url);
    expect(urls).toEqual(rules.map(({ annotations }) => `${BASE}/${annotations['runbook_url']}`));
  });

  it('explain every metric of the service, with its unit', () => {
    const described = text('docs/operations.md');
    const own = [...metrics.matchAll(/^# HELP (coupon_\w+) (.*)$/gm)];
    expect(own.length).toBeGreaterThan(20);
    for (const [, name = '', help = ''] of own) {
      expect(described).toContain(`\`${name}`);
      if (name.endsWith('_seconds')) expect(help).toMatch(/seconds/i);
      if (name.endsWith('_bytes')) expect(help).toMatch(/bytes/i);
    }
  });

  it('ask for label values that the service really writes', () => {
    const known: Record<string, readonly (string | null)[]> = {
      status: [...FAILED_EVENT_STATUSES, '500'],
      outcome: ['accepted', 'replayed', ...Object.values(CLAIM_REFUSALS)],
      role: ['api', 'consumer', 'retry'],
      job: ['coupon'],
      reason: SHED_REASONS,
    };
    for (const { expr } of rules) {
      for (const [, label = '', values = ''] of expr.matchAll(/[{,](\w+)=~?"([^"]*)"/g)) {
        expect(known[label]).toEqual(expect.arrayContaining(values.split('|')));
      }
    }
  });
});

describe('the documents for operators', () => {
  const compose = () =>
    parse(text('docker-compose.yml'), { merge: true }) as {
      services: { api: { environment: Record<string, string>; ports: string[] } };
      secrets: Record<string, { file: string }>;
    };

  it('begin with an address and a token that the Compose project has', () => {
    const [first = ''] = codeBlocks(text('docs/operations.md'), 'sh');
    const { services, secrets } = compose();
    const published = services.api.ports.map((port) => /\$\{\w+:-(\d+)\}:(\d+)$/.exec(port)?.slice(1));
    const adminPort = published.find((ports) => ports?.[1] === services.api.environment['ADMIN_PORT'])?.[0];
    expect(first).toMatch(new RegExp(`^URL=http://127\\.0\\.0\\.1:${adminPort} `, 'm'));
    expect(first).toContain(`ADMIN_TOKEN=$(cat ${secrets['admin_token']?.file.replace('./', '')})`);
    // Embedded, where neither variable is set.
    const { port, dataDir } = parseEnv({});
    expect(first).toContain(`http://127.0.0.1:${port}`);
    expect(first).toContain(`${dataDir.replace('./', '')}/${ADMIN_TOKEN_FILE}`);
  });

  it('use no variable of a shell that they have not set', () => {
    const commands = codeBlocks(text('docs/operations.md'), 'sh').join('\n');
    // What a container's shell reads stands in single quotes; a function's arguments are numbers.
    const used = [...commands.replace(/ sh -c '[^']*'/g, '').matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name);
    const set = [...commands.matchAll(/(?:^|[\s;])([A-Za-z_]\w*)=/gm)].map(([, name]) => name);
    // A loop reads the first; the others are a second operator's, and an answer's.
    const others = ['key', 'OTHER_AUTH', 'REQUEST'];
    expect(used).toContain('AUTH');
    expect([...new Set(used)].filter((name) => !set.includes(name)).sort()).toEqual(others.sort());
  });

  it.each(['README.md', 'docs/deployment.md', 'docker-compose.yml'])('%s gives each api ports of its own', (path) => {
    const [, from = '', to = '', adminFrom = '', adminTo = '', apis = ''] =
      /API_PORT=(\d+)-(\d+) ADMIN_PORT=(\d+)-(\d+) docker compose up -d --scale api=(\d+)/.exec(text(path)) ?? [];
    const range = (first: string, last: string) =>
      Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
    const ports = [...range(from, to), ...range(adminFrom, adminTo)];
    expect([range(from, to).length, range(adminFrom, adminTo).length]).toEqual([Number(apis), Number(apis)]);
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('reach Redis with its password, and keep a copy of the codes to themselves', () => {
    const page = text('docs/operations.md');
    expect(page).not.toMatch(/(?:^|`)redis-cli /m);
    const back = page.split('\n').filter((line) => line.includes('/api/admin/backup'));
    for (const line of back) expect(line).toMatch(/^\(umask 077; curl /);
    expect(back).toHaveLength(1);
  });

  it('give the waits that the retry really takes', () => {
    const row = /^\| at most +\|(.+)\|$/m.exec(text('docs/operations.md'))?.[1] ?? '';
    const waits = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => `${maxBackoffMs(index + 1) / 1_000} s`);
    expect(row.split('|').map((cell) => cell.trim())).toEqual([...waits, '`DEAD`']);
  });

  it('name tables that exist', () => {
    const folder = 'src/infrastructure/sql/migrations';
    const schema = readdirSync(folder)
      .map((file) => text(`${folder}/${file}`))
      .join('\n');
    const tables = [...schema.matchAll(/(?:create\(\s*'|CREATE TABLE IF NOT EXISTS )(\w+)/g)].map(([, table]) => table);
    const queries = codeBlocks(text('docs/operations.md'), 'sql').join('\n');
    const named = [...queries.matchAll(/\b(?:FROM|UPDATE) (\w+)\b(?! *=)/g)].map(([, table]) => table);
    expect(named.length).toBeGreaterThan(5);
    expect(tables).toEqual(expect.arrayContaining(named.filter((name) => name !== undefined)));
  });

  it('show Kubernetes objects that can be parsed, with variables that are read', () => {
    const [code = ''] = codeBlocks(text('docs/deployment.md'), 'yaml');
    const objects = parseAllDocuments(code).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS();
    });
    expect(objects.map(({ kind }) => kind)).toEqual(['Deployment', 'PodDisruptionBudget', 'Service', 'Service']);
    const names = objects[0].spec.template.spec.containers[0].env.map((entry: { name: string }) => entry.name);
    expect(ENV_VARIABLES).toEqual(expect.arrayContaining(names));
  });
});

describe('docker-compose.yml', () => {
  const OWN = ['api', 'worker', 'migrate'];
  const SERVERS = ['redis', 'kafka', 'mysql'];
  const OBSERVERS = ['prometheus', 'grafana', 'jaeger'];
  const source = text('docker-compose.yml');
  const { services, secrets } = parse(source, { merge: true }) as {
    services: Record<string, { environment: Record<string, string>; secrets: string[]; [key: string]: unknown }>;
    secrets: Record<string, { file: string }>;
  };
  const makeSecrets = fileURLToPath(new URL('../ops/compose/make-secrets.sh', import.meta.url));
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-compose-'));
    execFileSync(makeSecrets, { cwd: directory });
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const secret = (name: string) => readFileSync(join(directory, secrets[name]?.file ?? name), 'utf8').trim();

  /** As Compose does it: variables or their defaults, and only the secrets of this service. */
  const environmentOf = (name: string) => {
    const service = services[name];
    return Object.entries(service?.environment ?? {}).map(([key, value]): [string, string] => {
      const [, mounted] = /^\/run\/secrets\/(.+)$/.exec(value) ?? [];
      if (mounted === undefined) return [key, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')];
      expect(service?.secrets).toContain(mounted);
      return [key, join(directory, secrets[mounted]?.file ?? '')];
    });
  };

  it.each(OWN)('gives %s an environment that the service takes, with every secret from a file', (name) => {
    const environment = environmentOf(name);
    expect(ENV_VARIABLES).toEqual(expect.arrayContaining(environment.map(([key]) => key)));
    const config = parseEnv(Object.fromEntries(environment));
    expect(config).toMatchObject({ profile: 'distributed', host: '0.0.0.0', port: 3000, migrateOnStart: false });
    expect(riskyAddresses(config).filter(({ risk }) => !config.allowInsecure.has(risk))).toEqual([]);
    expect(config.redisUrl).toBe(`redis://:${secret('redis.conf').split(' ')[1]}@redis:6379`);
    expect(config.kafka.sasl?.password).toBe(secret('kafka_password'));
    const [user, password] =
      name === 'migrate'
        ? ['coupon_migration', secret('mysql_migration_password')]
        : ['coupon', secret('mysql_password')];
    expect(config.databaseUrl).toBe(`mysql://${user}:${password}@mysql:3306/coupon`);
  });

  it('gives the service no right to change the schema, and each server only its own secrets', () => {
    for (const name of ['api', 'worker']) {
      expect(services[name]?.secrets.join()).not.toMatch(/migration|root|redis\.conf|jaas/);
    }
    expect([services['redis']?.secrets, services['kafka']?.secrets]).toEqual([
      ['redis.conf'],
      ['kafka_jaas.conf', 'kafka_client.properties'],
    ]);
    expect(services['mysql']?.secrets).toEqual(['mysql_root_password', 'mysql_migration_password', 'mysql_password']);
    expect(services['mysql']?.environment['MYSQL_USER']).toBe('coupon_migration');
    expect(services['mysql']?.['volumes']).toContain(
      './ops/compose/mysql-users.sh:/docker-entrypoint-initdb.d/mysql-users.sh:ro',
    );
  });

  it('makes its secrets once: random, all different, and closed to other users', () => {
    const names = Object.values(secrets).map(({ file }) => file.replace('./secrets/', ''));
    expect(readdirSync(join(directory, 'secrets')).sort()).toEqual(names.sort());
    const drawn = [
      'admin_token',
      'kafka_password',
      'mysql_root_password',
      'mysql_password',
      'mysql_migration_password',
    ];
    const values = [...drawn.map(secret), secret('redis.conf').replace('requirepass ', '')];
    for (const value of values) expect(value).toMatch(/^[0-9a-f]{48}$/);
    expect(new Set(values).size).toBe(values.length);
    expect(secret('kafka_jaas.conf')).toContain(`user_coupon="${secret('kafka_password')}"`);
    expect(statSync(join(directory, 'secrets')).mode & 0o777).toBe(0o700);
    // The user in a container is not the user who made them.
    for (const name of names) expect(statSync(join(directory, 'secrets', name)).mode & 0o777).toBe(0o444);
    execFileSync(makeSecrets, { cwd: directory });
    expect(secret('admin_token')).toBe(values[0]);
    expect(readdirSync(directory)).toEqual(['secrets']);
  });

  it('holds no secret itself, and no variable without documentation', () => {
    const used = [...source.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name);
    const ports = ['API_PORT', 'PROMETHEUS_PORT', 'GRAFANA_PORT', 'JAEGER_PORT'];
    expect([...ENV_VARIABLES, ...ports]).toEqual(expect.arrayContaining(used));
    // docs/deployment.md names the users, so their names are no secret.
    const given = SECRETS.filter((name) => new RegExp(`\\b${name}:`).test(source));
    expect(given).toEqual(['KAFKA_SASL_USERNAME']);
    expect(source).not.toMatch(/--requirepass|:\/\/[^\s:]*:[^\s@]+@|[0-9a-f]{32}/);
    for (const name of [...ports, 'make-secrets.sh']) expect(text('docs/deployment.md')).toContain(name);
  });

  it('runs every role', () => {
    const roles = ['api', 'worker'].flatMap((name) => services[name]?.environment['ROLES']?.split(','));
    expect(roles).toEqual(['api', 'consumer', 'retry']);
  });

  it('builds its image in one place, and never fetches it', () => {
    expect(OWN.filter((name) => services[name]?.['build'] !== undefined)).toEqual(['migrate']);
    for (const name of OWN) expect(services[name]).toMatchObject({ image: 'coupon-system', pull_policy: 'never' });
  });

  it.each([...OWN, ...SERVERS, ...OBSERVERS])('gives %s no more rights than it needs', (name) => {
    expect(services[name]).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(services[name]?.['privileged']).toBeUndefined();
    // What is changed as the image's root would need capabilities; Kafka's image has a user of its own.
    if (name === 'redis' || name === 'mysql') expect(services[name]?.['user']).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    if (OBSERVERS.includes(name)) expect(services[name]?.['user']).toMatch(/^[1-9]\d*:\d+$/);
    if (name !== 'kafka') expect(services[name]?.['read_only']).toBe(true);
  });

  it.each(OWN)('gives %s enough time to end', (name) => {
    expect(services[name]).toMatchObject({ stop_grace_period: '15s' });
  });

  it('names images by their exact version', () => {
    const images = [...SERVERS, ...OBSERVERS].map((name) => `${services[name]?.['image'] as string}`);
    const bases = [...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image);
    for (const image of [...images, ...bases]) expect(image).toMatch(/:v?\d+\.\d+\.\d+(?:-[\w-]+)?$/);
    expect(new Set(bases).size).toBe(1);
  });

  it('starts what observes it only where that is asked for, for this machine alone, with files that exist', () => {
    for (const name of OBSERVERS) {
      expect(services[name]).toMatchObject({ profiles: ['observability'] });
      for (const port of services[name]?.['ports'] as string[]) expect(port).toMatch(/^127\.0\.0\.1:\$\{/);
      for (const volume of (services[name]?.['volumes'] ?? []) as string[]) {
        const [source = '', , mode] = volume.split(':');
        if (!source.startsWith('./')) continue;
        expect([volume, mode]).toEqual([volume, 'ro']);
        expect(existsSync(source)).toBe(true);
      }
    }
    for (const name of [...OWN, ...SERVERS]) expect(services[name]?.['profiles']).toBeUndefined();
  });

  it('scrapes every process at the port that has the metrics, and shows what is scraped', () => {
    const { scrape_configs: jobs, rule_files: ruleFiles } = parse(text('ops/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
      rule_files: string[];
    };
    // The alerts and the dashboards name this job.
    expect(jobs.map(({ job_name: job }) => job)).toEqual(['coupon']);
    const [found] = jobs[0]?.dns_sd_configs ?? [];
    expect(found?.names).toEqual(['api', 'worker']);
    for (const name of found?.names ?? []) {
      expect(Object.fromEntries(environmentOf(name))['ADMIN_PORT']).toBe(`${found?.port}`);
    }
    expect(services['prometheus']?.['volumes']).toContain(`./ops/alerts.yml:${ruleFiles[0]}:ro`);
    expect(services['prometheus']?.['command']).toContain('--enable-feature=exemplar-storage');
    const { datasources } = parse(text('ops/grafana/provisioning/datasources/datasources.yml')) as {
      datasources: { url: string }[];
    };
    const hosts = datasources.map(({ url }) => new URL(url).hostname);
    expect(hosts).toEqual(['prometheus', 'jaeger']);
    const { providers } = parse(text('ops/grafana/provisioning/dashboards/dashboards.yml')) as {
      providers: { options: { path: string } }[];
    };
    const folder = providers[0]?.options.path;
    expect(services['grafana']?.['volumes']).toContain(`./ops/grafana/dashboards:${folder}:ro`);
    const home = services['grafana']?.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
    expect(existsSync(home.replace(folder ?? '', 'ops/grafana/dashboards'))).toBe(true);
  });

  it('sends traces to what shows them, where that is asked for', () => {
    expect(source).toContain(
      'OTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318 docker compose --profile observability up -d',
    );
    expect(text('docs/deployment.md')).toContain(
      'OTEL_EXPORTER_OTLP_ENDPOINT=http://jaeger:4318 docker compose --profile observability up -d',
    );
  });

  it('asks Kafka’s clients for a password, and lets no other container reach its controller', () => {
    expect(services['kafka']?.environment).toMatchObject({
      KAFKA_LISTENERS: 'CLIENT://:9092,CONTROLLER://localhost:9093',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CLIENT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_SASL_ENABLED_MECHANISMS: 'PLAIN',
    });
  });

  it.each(['api', 'worker'])('starts %s only after the migration, and stops it before its servers', (name) => {
    expect(services[name]).toMatchObject({
      depends_on: {
        migrate: { condition: 'service_completed_successfully' },
        mysql: expect.anything(),
        redis: expect.anything(),
        kafka: expect.anything(),
      },
    });
  });
});

describe('the image', () => {
  it('has no source maps and no type declarations of packages: half of what they are', () => {
    const stage = text('Dockerfile').split(/^FROM /m)[2] ?? '';
    expect(stage).toContain('npm ci --omit=dev');
    for (const ending of ['*.map', '*.d.ts', '*.d.mts', '*.d.cts']) expect(stage).toContain(`-name '${ending}'`);
    expect(stage).toMatch(/ -delete$/m);
  });

  it('has a data directory for its own user and for one that a scheduler chose, whose group is root', () => {
    expect(text('Dockerfile')).toMatch(/^RUN install -d -o node -g root -m 0770 \/data$/m);
  });
});

describe('the packages', () => {
  const { engines } = JSON.parse(text('package.json')) as { engines: { node: string } };
  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<
      string,
      { dev?: boolean; resolved?: string; hasInstallScript?: boolean; engines?: { node?: string } }
    >;
  };

  it('run on every Node that this project names, from its lowest version on', () => {
    const lowest = engines.node.split('||').map((range) => semver.minVersion(range.trim())?.version ?? '');
    expect(lowest).toEqual(['20.19.0', '22.13.0', '24.11.0']);
    const refused = Object.entries(packages).flatMap(([path, { engines: needs }]) =>
      lowest.filter((version) => !semver.satisfies(version, needs?.node ?? '*')).map((version) => [path, version]),
    );
    expect(refused).toEqual([]);
    expect(text('README.md')).toContain('Node 20.19+, 22.13+ or 24.11+');
  });

  it('run no script when they are installed for production, and come from whatever registry is set', () => {
    const entries = Object.entries(packages);
    expect(entries.filter(([, { dev, hasInstallScript }]) => hasInstallScript === true && dev !== true)).toEqual([]);
    expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });
});
