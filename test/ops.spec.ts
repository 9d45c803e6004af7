import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { parseEnv } from '../src/config/env.js';
import { ENV_VARIABLES } from '../src/config/variables.js';
import { FAILED_EVENT_STATUSES } from '../src/events/failed-event-store.js';
import { MAX_ATTEMPTS, maxBackoffMs } from '../src/events/retry-policy.js';
import { SHED_REASONS } from '../src/http/connections.js';
import { type Service, startService } from './support/service.js';

const text = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

const rules = (parse(text('ops/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

/** What a link to a heading of this document may end with. */
function anchorsOf(markdown: string): string[] {
  const withoutCode = markdown.replace(/^```.*?^```/gms, '');
  return [...withoutCode.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}

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

  it('lead to the runbook wherever it is served, by the command that the runbook gives', () => {
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
    const outcomes = [...text('src/issuance/issuance.metrics.ts').matchAll(/^ {2}\| '(\w+)'/gm)].map(
      ([, name]) => name,
    );
    const known: Record<string, readonly (string | undefined)[]> = {
      status: [...FAILED_EVENT_STATUSES, '500'],
      outcome: outcomes,
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
  const documents = ['docs/operations.md', 'docs/deployment.md', 'README.md', 'CONTRIBUTING.md'];

  it.each(documents)('%s links to what exists', (path) => {
    const base = path.startsWith('docs/') ? 'docs/' : '';
    for (const [, target = ''] of text(path).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = new URL(file === '' ? path : base + file, 'file:///').pathname.slice(1);
      if (anchor !== undefined) expect(anchorsOf(text(linked))).toContain(anchor);
      else if (/\.\w+$/.test(linked)) expect(text(linked)).not.toBe('');
    }
  });

  it('give the waits that the retry really takes', () => {
    const row = /^\| at most +\|(.+)\|$/m.exec(text('docs/operations.md'))?.[1] ?? '';
    const waits = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => `${maxBackoffMs(index + 1) / 1_000} s`);
    expect(row.split('|').map((cell) => cell.trim())).toEqual([...waits, '`DEAD`']);
  });

  it('name tables that exist', () => {
    const schema = text('src/infrastructure/database/migrations/1764000000000-initial-schema.ts');
    const tables = [...schema.matchAll(/create\(\s*'(\w+)'/g)].map(([, table]) => table);
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
    expect(objects.map(({ kind }) => kind)).toEqual(['Deployment', 'PodDisruptionBudget', 'Service']);
    const names = objects[0].spec.template.spec.containers[0].env.map((entry: { name: string }) => entry.name);
    expect(ENV_VARIABLES).toEqual(expect.arrayContaining(names));
  });
});

describe('docker-compose.yml', () => {
  const OWN_VARIABLES = ['REDIS_PASSWORD', 'MYSQL_PASSWORD', 'MYSQL_ROOT_PASSWORD', 'API_PORT'];
  const SECRETS = ['ADMIN_TOKEN', 'REDIS_PASSWORD', 'MYSQL_PASSWORD', 'MYSQL_ROOT_PASSWORD'];
  const source = text('docker-compose.yml');
  const { services } = parse(source, { merge: true }) as {
    services: Record<string, { environment: Record<string, string>; [key: string]: unknown }>;
  };

  const SECRET = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c';

  /** As compose does it: a value that is not set, or its default. */
  const interpolate = (value: string) =>
    value.replace(/\$\{(\w+)(?::([?-])([^}]*))?\}/g, (_all, _name, kind, rest) => (kind === '-' ? rest : SECRET));

  it.each(['api', 'worker', 'migrate'])('gives %s an environment that the service takes', (name) => {
    const environment = services[name]?.environment ?? {};
    expect(ENV_VARIABLES).toEqual(expect.arrayContaining(Object.keys(environment)));
    const env = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, interpolate(value)]));
    expect(parseEnv(env)).toMatchObject({ profile: 'distributed', host: '0.0.0.0', port: 3000, migrateOnStart: false });
  });

  it('runs every role', () => {
    const roles = ['api', 'worker'].flatMap((name) => services[name]?.environment['ROLES']?.split(','));
    expect(roles).toEqual(['api', 'consumer', 'retry']);
  });

  it.each(['api', 'worker', 'migrate'])('gives %s no more rights than it needs', (name) => {
    expect(services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      stop_grace_period: '15s',
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

  it('has no secret of its own, and no variable that nobody explains', () => {
    const used = [...source.matchAll(/\$\{(\w+)(:\?)?/g)];
    expect([...ENV_VARIABLES, ...OWN_VARIABLES]).toEqual(expect.arrayContaining(used.map(([, name = '']) => name)));
    const required = used.filter(([, , mark]) => mark === ':?').map(([, name]) => name);
    expect(new Set(required)).toEqual(new Set(SECRETS));
    for (const name of [...OWN_VARIABLES, ...SECRETS]) expect(text('docs/deployment.md')).toContain(name);
  });
});
