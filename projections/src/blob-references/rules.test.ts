import { eventDefinitions } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import { describe, expect, it } from 'vitest';
import { blobFieldsOf, blobsAt, EACH } from './blob-fields.ts';
import { ENDINGS, KEEPERS } from './rules.ts';

const keepers: Readonly<Record<string, { readonly until: readonly string[]; readonly butNot?: readonly string[] } | null>> = KEEPERS;
const endings: Readonly<Record<string, unknown>> = ENDINGS;

describe('every event type that names bytes', () => {
  const naming = eventDefinitions
    .map((definition) => ({ type: definition.type, fields: blobFieldsOf(definition) }))
    .filter(({ fields }) => fields.length > 0);

  it('says who keeps them, and what lets go of them: a rule in projections/src/blob-references/rules.ts', () => {
    const exempt = (fields: (typeof naming)[number]['fields'], type: string) =>
      fields.filter(({ path }) => !keepers[type]?.butNot?.includes(path[0] ?? ''));
    expect(naming.map(({ type }) => type).toSorted()).toEqual(Object.keys(KEEPERS).toSorted());
    for (const { type, fields } of naming) {
      const kept = exempt(fields, type);
      if (keepers[type] === null) {
        expect([type, type in endings]).toEqual([type, true]);
        continue;
      }
      expect(
        [type, kept.length > 0 && kept.every(({ isSealed }) => isSealed)],
        'bytes that only a sealed field names cannot be counted',
      ).toEqual([type, false]);
    }
    for (const [type, keeper] of Object.entries(keepers)) {
      for (const ending of keeper?.until ?? []) expect([type, ending, ending in endings || ending === type]).toEqual([type, ending, true]);
    }
  });

  it('has its bytes found wherever its codec has them', () => {
    const blob = 'a'.repeat(64);
    const within = (path: readonly string[]): unknown =>
      path.reduceRight<unknown>((inner, name) => (name === EACH ? [inner] : { [name]: inner }), blob);
    for (const { type, fields } of naming) {
      for (const { path } of fields) expect([type, blobsAt(within(path), path)]).toEqual([type, [blob]]);
    }
    expect(blobFieldsOf(eventNamed('EmailFiled')).map(({ path }) => path.join('.'))).toEqual(['blobId', 'bodyBlobId']);
    expect(blobsAt(samples.EmailFiled, ['bodyBlobId'])).toEqual([samples.EmailFiled.bodyBlobId]);
    expect(blobFieldsOf(eventNamed('ImportRequested'))).toEqual([{ path: ['source', 'blobId'], isSealed: false }]);
  });
});

const eventNamed = (type: string) => {
  const found = eventDefinitions.find((definition) => definition.type === type);
  if (found === undefined) throw new Error(`there is no ${type}`);
  return found;
};
