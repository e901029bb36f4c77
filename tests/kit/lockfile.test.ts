/**
 * `npm ci` refuses a lockfile that lacks a package for some platform. npm writes such lockfiles itself: when it installs beside an existing
 * `node_modules`, and when the registry has a tool's newest version but not all of its platform packages.
 */
import { readFileSync } from 'node:fs';
import * as t from 'io-ts';
import { expect, it } from 'vitest';

const Lockfile = t.type({ packages: t.record(t.string, t.partial({ optionalDependencies: t.record(t.string, t.string) })) });

it('the lockfile has every optional package of every package, for all platforms', () => {
  const lockfile: unknown = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  if (!Lockfile.is(lockfile)) throw new Error('package-lock.json is not a lockfile');
  const missing = Object.entries(lockfile.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in lockfile.packages) && !(`${path}/node_modules/${name}` in lockfile.packages),
    ),
  );
  expect(missing, 'take versions that are whole, delete node_modules and package-lock.json, and run npm install').toEqual([]);
});
