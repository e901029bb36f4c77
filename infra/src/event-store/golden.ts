/**
 * Golden files, `contracts/golden/<Type>.v<version>.json`: how each version of each event type is stored (personal fields in clear, to be
 * read by people) and what it becomes in memory. Written once, by `npm run golden`, and kept for as long as logs are.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EventDefinition, PersonalFields } from '@tidings/contracts/events/definition';
import type { EventType } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import type { JsonObject } from '@tidings/contracts/ports/event-log';
import * as E from 'fp-ts/lib/Either.js';
import { decodeData } from './decoding.ts';

export interface Golden {
  readonly type: string;
  readonly version: number;
  /** The codec in words and whose fields are sealed: a change of either without a new version is caught. */
  readonly shape: string;
  readonly personal: readonly PersonalFields[];
  readonly stored: JsonObject;
  /** In memory, by the version that reads it. A new version of the type adds an entry here, nothing else ever changes. */
  readonly readAs: Readonly<Record<string, object>>;
}

export const GOLDEN_FOLDER = fileURLToPath(new URL('../../../contracts/golden/', import.meta.url));

export const goldenName = (type: string, version: number): string => `${type}.v${version}.json`;

export const readGoldens = async (folder: string): Promise<ReadonlyMap<string, Golden>> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const read = async (name: string) => [name, JSON.parse(await readFile(join(folder, name), 'utf8')) as Golden] as const;
  return new Map(await Promise.all(names.map(read)));
};

/** What is wrong with a definition's golden files, in words; empty when all is well. */
export const faultsOf = (definition: EventDefinition, goldens: ReadonlyMap<string, Golden>): readonly string[] => {
  const { type, version } = definition;
  const current = goldens.get(goldenName(type, version));
  if (current === undefined) return [`${goldenName(type, version)} is missing: run "npm run golden"`];
  const faults: string[] = [];
  const same = current.shape === definition.data.name && JSON.stringify(current.personal) === JSON.stringify(definition.personal);
  if (!same) faults.push(`${type} changed its shape but is still version ${version}: raise the version and add an upcast`);
  const decoded = decodeData(definition, version, current.stored);
  if (E.isRight(decoded) && !sameJson(definition.data.encode(decoded.right), current.stored)) {
    faults.push(`${type} is not JSON both ways: what is decoded is stored as something else`);
  }
  for (let older = 1; older <= version; older += 1) {
    const golden = goldens.get(goldenName(type, older));
    if (golden === undefined) {
      faults.push(`${goldenName(type, older)} is missing: logs still hold version ${older}`);
      continue;
    }
    const read = decodeData(definition, older, golden.stored);
    const expected = golden.readAs[`v${version}`];
    if (E.isLeft(read)) faults.push(`${goldenName(type, older)} no longer decodes: ${read.left}`);
    else if (expected === undefined)
      faults.push(`${goldenName(type, older)} does not say how version ${version} reads it: run "npm run golden"`);
    else if (!sameJson(read.right, expected)) faults.push(`${goldenName(type, older)} reads as something else than before`);
  }
  return faults;
};

/**
 * Writes what is missing: the file of a new version, and how older files read at it. Never changes what is there.
 * @returns the names of the files written
 */
export const writeMissing = async (definitions: readonly EventDefinition[], folder: string): Promise<readonly string[]> => {
  const goldens = await readGoldens(folder);
  const written: string[] = [];
  for (const definition of definitions) {
    for (let version = 1; version <= definition.version; version += 1) {
      const name = goldenName(definition.type, version);
      const known = goldens.get(name) ?? (version === definition.version ? newGolden(definition) : undefined);
      const key = `v${definition.version}`;
      if (known === undefined || (goldens.has(name) && key in known.readAs)) continue;
      const read = decodeData(definition, version, known.stored);
      if (E.isLeft(read)) throw new Error(`${name} does not decode: ${read.left}`);
      const golden: Golden = { ...known, readAs: { ...known.readAs, [key]: read.right } };
      await writeFile(join(folder, name), `${JSON.stringify(golden, null, 2)}\n`);
      written.push(name);
    }
  }
  return written;
};

const newGolden = (definition: EventDefinition): Golden => ({
  type: definition.type,
  version: definition.version,
  shape: definition.data.name,
  personal: definition.personal,
  stored: definition.data.encode(samples[definition.type as EventType]) as JsonObject, // definitions come from the same list as samples
  readAs: {},
});

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
