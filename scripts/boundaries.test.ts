/**
 * Does the check that guards the boundaries see anything at all? dependency-cruiser does not know TypeScript 7 and says so at each run, so
 * here it is shown, with the project's own rules, a tree that breaks them, and its reading of the real tree is counted.
 */
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import * as t from 'io-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOMS = ['contracts', 'domain', 'projections', 'infra', 'services'];

const Cruised = t.type({
  modules: t.array(t.type({ source: t.string, dependencies: t.array(t.type({ resolved: t.string })) })),
  summary: t.type({
    violations: t.array(t.type({ from: t.string, to: t.string, rule: t.type({ name: t.string }) })),
  }),
});

/** What `npm run boundaries` finds in the tree at `root`. */
const cruise = async (root: string): Promise<t.TypeOf<typeof Cruised>> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      resolve('node_modules/.bin/depcruise'),
      ...['-c', resolve('.dependency-cruiser.mjs')],
      ...['--output-type', 'json', '--progress', 'none'],
      ...ROOMS,
    ],
    { cwd: root, maxBuffer: 64 * 1024 * 1024 },
  );
  const found: unknown = JSON.parse(stdout);
  if (!Cruised.is(found)) throw new Error('dependency-cruiser answers in another shape than this test knows');
  return found;
};

describe('the rules', () => {
  let root: string;
  const write = (path: string, ...lines: readonly string[]): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${lines.join('\n')}\n`);
  };
  let broken: ReadonlySet<string>;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'tidings-boundaries-'));
    write('package.json', '{ "type": "module" }');
    mkdirSync(join(root, 'node_modules/@tidings'), { recursive: true });
    for (const room of ROOMS) {
      write(`${room}/package.json`, JSON.stringify({ name: `@tidings/${room}`, type: 'module', exports: { './*': './src/*.ts' } }));
      write(`${room}/src/plain.ts`, 'export const plain: number = 1;', 'export type Plain = typeof plain;');
      symlinkSync(join(root, room), join(root, 'node_modules/@tidings', room));
    }
    // allowed
    write('services/src/wires.ts', ...ROOMS.slice(0, 4).map((room) => `export { plain as ${room} } from '@tidings/${room}/plain';`));
    for (const room of ['domain', 'projections', 'infra']) {
      write(`${room}/src/builds-on.ts`, "import { plain } from '@tidings/contracts/plain';", 'export const more = plain + 1;');
    }
    write('tests/kit/help.ts', 'export const help = 1;');
    write('infra/src/thing.test.ts', "import { help } from '../../tests/kit/help.ts';", 'export const used = help;');
    write('infra/src/testing/kit.ts', "export { help } from '../../../tests/kit/help.ts';");
    write('domain/src/types-a.ts', "import type { B } from './types-b.ts';", 'export type A = B | 1;', 'export const a = 1;');
    write('domain/src/types-b.ts', "import { a } from './types-a.ts';", 'export type B = 2;', 'export const b = a;');
    // forbidden
    write('domain/src/reaches-out.ts', "import { plain } from '@tidings/infra/plain';", 'export const out = plain;');
    write('domain/src/by-type.ts', "import type { Plain } from '@tidings/infra/plain';", 'export type Mine = Plain;');
    write('domain/src/by-path.ts', "export * from '../../projections/src/plain.ts';");
    write('domain/src/later.ts', "export const later = () => import('@tidings/services/plain');");
    write('domain/src/reads.ts', "import { readFileSync } from 'node:fs';", 'export const read = readFileSync;');
    write('contracts/src/knows.ts', "import { plain } from '@tidings/domain/plain';", 'export const known = plain;');
    write('projections/src/decides.ts', "import { plain } from '@tidings/domain/plain';", 'export const decided = plain;');
    write('infra/src/serves.ts', "import { plain } from '@tidings/services/plain';", 'export const served = plain;');
    write('infra/src/leans-on-tests.ts', "import { help } from '../../tests/kit/help.ts';", 'export const helped = help;');
    write('services/src/leans-on-testing.ts', "import { help } from '@tidings/infra/testing/kit';", 'export const helped = help;');
    write('services/src/lost.ts', "import { gone } from './gone.ts';", 'export const lost = gone;');
    write('infra/src/circle-a.ts', "import { b } from './circle-b.ts';", 'export const a = (): number => b();');
    write('infra/src/circle-b.ts', "import { a } from './circle-a.ts';", 'export const b = (): number => a();');
    broken = new Set((await cruise(root)).summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`));
  }, 120_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('are broken by every forbidden import, however it is written, and by no other', () => {
    expect([...broken].toSorted()).toEqual(
      [
        'contracts-imports-only-itself: contracts/src/knows.ts → domain/src/plain.ts',
        'domain-imports-only-contracts: domain/src/by-path.ts → projections/src/plain.ts',
        'domain-imports-only-contracts: domain/src/by-type.ts → infra/src/plain.ts',
        'domain-imports-only-contracts: domain/src/later.ts → services/src/plain.ts',
        'domain-imports-only-contracts: domain/src/reaches-out.ts → infra/src/plain.ts',
        'infra-imports-only-contracts: infra/src/leans-on-tests.ts → tests/kit/help.ts',
        'infra-imports-only-contracts: infra/src/serves.ts → services/src/plain.ts',
        'no-circles: infra/src/circle-a.ts → infra/src/circle-b.ts',
        'no-testing-outside-tests: services/src/leans-on-testing.ts → infra/src/testing/kit.ts',
        'projections-imports-only-contracts: projections/src/decides.ts → domain/src/plain.ts',
        'pure-domain: domain/src/reads.ts → fs',
        'resolvable: services/src/lost.ts → ./gone.ts',
      ].toSorted(),
    );
  });
});

describe('the real tree', () => {
  it('is read to the last file and the last import', async () => {
    const { modules, summary } = await cruise('.');
    const files = globSync(ROOMS.map((room) => `${room}/**/*.ts`)).filter((file) => !file.includes('node_modules'));
    const imports = new Map(modules.map(({ source, dependencies }) => [source, dependencies.length]));
    expect(files.length).toBeGreaterThan(300);
    expect(files.filter((file) => !imports.has(file))).toEqual([]);
    const missed = files.filter((file) => (imports.get(file) ?? 0) < importsOf(readFileSync(file, 'utf8')));
    expect(missed).toEqual([]);
    expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  }, 120_000);
});

/** Modules of the project and of Node that a source names; packages from npm are none of the check's business. */
const importsOf = (source: string): number =>
  new Set([...source.matchAll(/^(?:(?:import|export) .*|\} )from '((?:\.|@tidings\/|node:)[^']+)'/gm)].map(([, name]) => name)).size;
