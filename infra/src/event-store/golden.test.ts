import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineEvent, type EventDefinition } from '@tidings/contracts/events/definition';
import { definitionOf, eventDefinitions } from '@tidings/contracts/events/index';
import * as t from 'io-ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf, GOLDEN_FOLDER, readGoldens, writeMissing } from './golden.ts';

describe('golden files', async () => {
  const goldens = await readGoldens(GOLDEN_FOLDER);

  it.each(eventDefinitions.map((definition) => [definition.type, definition] as const))('%s reads as it always did', (_, definition) => {
    expect(faultsOf(definition, goldens)).toEqual([]);
  });

  it('stay when a type is given up: logs still hold it', () => {
    for (const { type } of goldens.values()) expect(definitionOf(type)).toBeDefined();
  });
});

describe('the guard over golden files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'golden-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  // Stand-ins for `RoomClosed`, so that its sample serves.
  const first = defineEvent({ type: 'RoomClosed', doc: '', data: t.type({ roomId: t.string }) });
  const second = defineEvent({
    type: 'RoomClosed',
    version: 2,
    doc: '',
    data: t.type({ roomId: t.string, reason: t.string }),
    upcasts: [{ to: 2, apply: (data) => ({ ...data, reason: 'unknown' }) }],
  });
  const faults = async (definition: EventDefinition) => faultsOf(definition, await readGoldens(folder));

  it('asks for a missing file, and writes it once', async () => {
    expect(await faults(first)).toEqual([expect.stringContaining('RoomClosed.v1.json is missing')]);
    expect(await writeMissing([first], folder)).toEqual(['RoomClosed.v1.json']);
    expect(await faults(first)).toEqual([]);
    expect(await writeMissing([first], folder)).toEqual([]);
  });

  it('catches a changed shape and changed personal fields without a new version', async () => {
    await writeMissing([first], folder);
    for (const changed of [
      defineEvent({ type: 'RoomClosed', doc: '', data: t.intersection([first.data, t.partial({ reason: t.string })]) }),
      { ...first, personal: [{ subject: 'roomId', fields: ['roomId'] }] },
      defineEvent({ type: 'RoomClosed', doc: '', data: t.type({ roomId: t.number }) }),
    ]) {
      expect(await faults(changed)).toContainEqual(expect.stringContaining('changed its shape'));
    }
  });

  it('has older versions read through their upcasts, for ever the same', async () => {
    await writeMissing([first], folder);
    const before = await readFile(join(folder, 'RoomClosed.v1.json'), 'utf8');
    await writeFile(
      join(folder, 'RoomClosed.v2.json'),
      JSON.stringify({
        type: 'RoomClosed',
        version: 2,
        shape: second.data.name,
        personal: [],
        stored: { roomId: 'r', reason: 'x' },
        readAs: {},
      }),
    );
    expect(await writeMissing([second], folder)).toEqual(['RoomClosed.v1.json', 'RoomClosed.v2.json']);
    expect(await faults(second)).toEqual([]);
    const after = JSON.parse(await readFile(join(folder, 'RoomClosed.v1.json'), 'utf8'));
    expect(after).toMatchObject({ ...JSON.parse(before), readAs: { v2: { reason: 'unknown' } } });
    const forgetful = { ...second, upcasts: [] };
    expect(await faults(forgetful)).toEqual([expect.stringContaining('RoomClosed.v1.json no longer decodes')]);
    const fickle = { ...second, upcasts: [{ to: 2, apply: (data: object) => ({ ...data, reason: 'other' }) }] };
    expect(await faults(fickle)).toEqual([expect.stringContaining('reads as something else')]);
  });
});
