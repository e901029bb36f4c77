/** JSON that we carry without knowing its shape (custom notifications). */
import * as t from 'io-ts';
import { described } from './json-schema.ts';
import type { JsonValue } from './ports/event-log.ts';

const DEEPEST = 32;

/** Depth is bounded, so that no value can exhaust the stack of whoever walks it later. */
const isJson = (u: unknown, depth = 0): u is JsonValue => {
  if (u === null || typeof u === 'string' || typeof u === 'boolean') return true;
  if (typeof u === 'number') return Number.isFinite(u);
  if (typeof u !== 'object' || depth === DEEPEST) return false;
  return Object.values(u).every((value) => isJson(value, depth + 1));
};

export const Json = described(
  new t.Type<JsonValue, unknown>(
    'Json',
    (u): u is JsonValue => isJson(u),
    (u, c) => (isJson(u) ? t.success(u) : t.failure(u, c, `must be JSON, nested at most ${DEEPEST} deep`)),
    t.identity,
  ),
  {},
);
