import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { describe, expect, it } from 'vitest';
import { decode, int, nullable, oneOf, text } from './codec.ts';
import { UserId } from './ids.ts';
import { timestamp, Timestamp } from './time.ts';

const faults = (codec: t.Mixed, input: unknown): readonly string[] => {
  const decoded = decode(codec, input);
  return E.isLeft(decoded) ? decoded.left.map(({ path, message }) => `${path}: ${message}`) : [];
};
const Item = t.readonly(t.intersection([t.type({ size: int(0, 9) }), t.partial({ note: text(1, 3) })]));
const Order = t.readonly(
  t.type({
    id: UserId,
    items: t.readonlyArray(Item),
    kind: oneOf('a', 'b'),
    extra: nullable(t.union([t.type({ at: Timestamp }), t.type({ n: t.number })])),
  }),
);

describe('faults', () => {
  it('are named by the keys that the caller wrote, never by members of unions and intersections', () => {
    expect(faults(Order, { id: 'x', items: [{ size: 1 }, { size: 10, note: '' }], kind: 'c', extra: { at: 'today' } })).toEqual([
      'id: must be a UUID',
      'items.1.size: must be a whole number from 0 to 9',
      'items.1.note: must be a string of 1-3 characters',
      'kind: must be one of a, b',
      'extra.at: must be an RFC 3339 date-time',
      'extra.n: is required',
      'extra: must be null',
    ]);
  });

  it('say once what a value that may be null can be', () => {
    const Named = t.type({ name: nullable(text(1, 3)), at: nullable(t.type({ n: t.number })) });
    expect(faults(Named, { name: '', at: 1 })).toEqual([
      'name: must be a string of 1-3 characters or null',
      'at: must be an object or null',
    ]);
    expect(faults(Named, {})).toEqual(['name: must be a string of 1-3 characters or null', 'at: is required']);
  });

  it('are told without the structure of our types', () => {
    const Flags = t.readonly(t.type({ on: t.boolean, of: t.readonlyArray(t.string) }));
    expect(faults(Flags, [])).toEqual([': must be an object']);
    expect(faults(Flags, null)).toEqual([': must be an object']);
    expect(faults(Item, 7)).toEqual([': must be an object']);
    expect(faults(Flags, { on: 'yes', of: 'these' })).toEqual(['on: must be true or false', 'of: must be a list']);
  });

  it('tell a missing body from a wrong one', () => {
    expect(faults(Item, undefined)).toEqual([': is required']);
    expect(faults(Order, { id: UserId.name })).toContain('items: is required');
  });
});

describe('what may be left out', () => {
  const Body = t.union([t.readonly(t.type({ at: t.readonly(t.type({ n: t.number })) })), t.undefined]);

  it('is told only what is wrong with it', () => {
    expect(faults(Body, undefined)).toEqual([]);
    expect(faults(Body, { at: { n: 'x' } })).toEqual(['at.n: must be number']);
    expect(faults(Body, 7)).toEqual([': must be an object']);
    expect(faults(t.type({ at: t.union([t.undefined, text(1, 3)]), b: t.undefined }), { at: '', b: 1 })).toEqual([
      'at: must be a string of 1-3 characters',
      'b: must be left out',
    ]);
  });
});

describe('text', () => {
  it('counts characters, not UTF-16 units', () => {
    expect(faults(text(1, 2), '👍👍')).toEqual([]);
    expect(faults(text(1, 2), '👍👍👍')).toHaveLength(1);
    expect(faults(text(3, 4), '👍👍')).toHaveLength(1);
    expect(faults(text(0, 1), '')).toEqual([]);
  });
});

describe('timestamps', () => {
  it('are kept in one form', () => {
    expect(decode(Timestamp, '2026-11-20T19:00:00.1234+01:00')).toEqual(E.right(timestamp(Date.UTC(2026, 10, 20, 18, 0, 0, 123))));
    expect(faults(Timestamp, '2026-11-20')).toHaveLength(1);
  });
});
