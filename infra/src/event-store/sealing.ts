/**
 * Sealed fields (architecture §10): on the way into the log, the personal fields of one subject in one place of the data become one box,
 * XChaCha20-Poly1305 (libsodium) with that subject's key: docs/decisions/012. Boxes describe themselves, so opening needs no definition and survives renamed fields:
 *
 *   { roomId, senderId, "$sealed": [{ "subject": "senderId", "fields": ["body"], "box": "<base64 nonce, ciphertext, tag>" }] }
 *
 * What lies within another sealed field has a box of its own beside it, which says whose it is (`of`), for its place is not to be read before:
 *
 *   { "within": "body.quoted", "of": "<id>", "subject": "senderId", "fields": ["body"], "box": … }
 *
 * The additional data binds a box to its stream, its event and its place: a box moved elsewhere does not open.
 */
import { randomBytes } from 'node:crypto';
import type { PersonalFields } from '@tidings/contracts/events/definition';
import type { EventId, StreamId, SubjectId } from '@tidings/contracts/ids';
import type { JsonObject, JsonValue } from '@tidings/contracts/ports/event-log';
import { SHREDDED } from '@tidings/contracts/sealed';
import sodium from 'sodium-native';

export interface Whereabouts {
  readonly stream: StreamId;
  readonly id: EventId;
}
/** Keys at hand; null or absent means destroyed. */
export type Keys = ReadonlyMap<SubjectId, Buffer | null>;

interface Box {
  /** Set when the fields belong to an item of an array. */
  readonly each?: string;
  readonly index?: number;
  /** Set when the fields belong to an object inside another sealed field, which is of another subject: this one. */
  readonly within?: string;
  readonly of?: SubjectId;
  /** The field beside the sealed ones that names the subject. */
  readonly subject: string;
  readonly fields: readonly string[];
  /** Null when the subject's key was already destroyed as the event was written. */
  readonly box: string | null;
}

const SEALED = '$sealed';
const NONCE_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const TAG_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;
const SHREDDED_JSON: JsonObject = { shredded: SHREDDED.shredded };

export class BoxDoesNotOpen extends Error {
  override readonly name = 'BoxDoesNotOpen';
}

/** Whose keys `seal` needs for this data. */
export const subjectsToSeal = (rules: readonly PersonalFields[], data: JsonObject): readonly SubjectId[] =>
  rules.flatMap((rule) => placesOf(rule, data).map(({ target }) => subjectOf(target, rule.subject)));

/** Takes the personal fields out of the data and puts boxes in. */
export const seal = (rules: readonly PersonalFields[], data: JsonObject, at: Whereabouts, keys: Keys): JsonObject => {
  if (rules.length === 0) return data;
  const inner = rules.filter(({ within }) => within !== undefined);
  const outer = rules.filter(({ within }) => within === undefined);
  const boxesIn = (from: JsonObject, of: readonly PersonalFields[]): readonly Box[] =>
    of.flatMap((rule) => placesOf(rule, from).map((place) => boxOf(rule, place, at, keys)));
  const rest = inner.reduce(withoutInner, data);
  // The outer first: so they are opened.
  const boxes = [...boxesIn(rest, outer), ...boxesIn(data, inner)];
  return { ...withoutPersonal(outer, rest), [SEALED]: boxes as unknown as JsonValue }; // a Box is plain JSON
};

/** Adds to `subjects` those whose keys `open` needs for this stored data. */
export const addSubjectsToOpen = (subjects: Set<SubjectId>, stored: JsonObject): void => {
  for (const box of boxesOf(stored)) if (box.box !== null) subjects.add(subjectIn(stored, box));
};

/** Whether `seal` was given all that these rules name: no field of theirs was written in clear. Rules for items of arrays and inner ones aside. */
export const isBoxed = (rules: readonly PersonalFields[], stored: JsonObject): boolean => {
  const boxes = boxesOf(stored);
  return rules.every(
    (rule) =>
      rule.each !== undefined ||
      rule.within !== undefined ||
      boxes.some((box) => box.each === undefined && box.within === undefined && rule.fields.every((field) => box.fields.includes(field))),
  );
};

/**
 * The data as it was before `seal`; fields whose key is gone are `Shredded`. The stored object is left as it is.
 * @throws BoxDoesNotOpen when a box was tampered with, moved, or sealed with another key
 */
export const open = (stored: JsonObject, at: Whereabouts, keys: Keys): JsonObject => {
  const boxes = boxesOf(stored);
  if (boxes.length === 0) return stored;
  const opened: { [key: string]: JsonValue } = {};
  for (const key in stored) if (key !== SEALED) opened[key] = stored[key] as JsonValue; // of a parsed object, which has no other keys
  for (const box of boxes) {
    const fields = contentOf(box, subjectIn(stored, box), at, keys);
    if (box.within !== undefined) putWithin(opened, box.within, fields);
    else if (box.each === undefined) Object.assign(opened, fields);
    else opened[box.each] = replaceItem(opened[box.each], box.index ?? 0, fields);
  }
  return opened;
};

interface Place {
  readonly target: JsonObject;
  readonly index?: number;
}

const placesOf = (rule: PersonalFields, data: JsonObject): readonly Place[] => {
  if (rule.within !== undefined) {
    const target = objectAt(data, rule.within);
    return target === null ? [] : [{ target }];
  }
  return rule.each === undefined ? [{ target: data }] : asItems(data[rule.each]).map((target, index) => ({ target, index }));
};

/** Null when there is none: nothing is quoted, or the field around it is gone. */
const objectAt = (data: JsonObject, path: string): JsonObject | null => {
  let at: JsonValue | undefined = data;
  for (const name of path.split('.')) at = isObject(at) ? at[name] : undefined;
  return isObject(at) ? at : null;
};
const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const withoutInner = (data: JsonObject, { within = '', fields }: PersonalFields): JsonObject => {
  const target = objectAt(data, within);
  return target === null ? data : replaceAt(data, within.split('.'), omit(target, fields));
};

const replaceAt = (data: JsonObject, [name = '', ...rest]: readonly string[], value: JsonObject): JsonObject => {
  const inner = data[name];
  return { ...data, [name]: rest.length === 0 || !isObject(inner) ? value : replaceAt(inner, rest, value) };
};

/** The field around it was opened a moment ago, so it is nobody else's to change. Nothing when that is gone. */
const putWithin = (opened: JsonObject, path: string, fields: JsonObject): void => {
  const target = objectAt(opened, path);
  if (target !== null) Object.assign(target, fields);
};

const boxOf = (rule: PersonalFields, { target, index }: Place, at: Whereabouts, keys: Keys): Box => {
  const place = {
    ...(rule.each !== undefined && index !== undefined && { each: rule.each, index }),
    ...(rule.within !== undefined && { within: rule.within, of: subjectOf(target, rule.subject) }),
    subject: rule.subject,
    fields: rule.fields,
  };
  const subject = subjectOf(target, rule.subject);
  const key = keys.get(subject) ?? null;
  if (key === null) return { ...place, box: null };
  const content = Object.fromEntries(rule.fields.map((field) => [field, target[field] ?? null]));
  const plain = Buffer.from(JSON.stringify(content), 'utf8');
  const sealed = Buffer.allocUnsafe(NONCE_BYTES + plain.length + TAG_BYTES);
  const nonce = sealed.subarray(0, NONCE_BYTES);
  nextNonce().copy(nonce);
  const associated = additionalData({ ...place, box: null }, subject, at);
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.subarray(NONCE_BYTES), plain, associated, null, nonce, key);
  return { ...place, box: sealed.toString('base64') };
};

const contentOf = (box: Box, subject: SubjectId, at: Whereabouts, keys: Keys): JsonObject => {
  const key = box.box === null ? null : (keys.get(subject) ?? null);
  if (box.box === null || key === null) return Object.fromEntries(box.fields.map((field) => [field, SHREDDED_JSON]));
  try {
    const bytes = box.box.length <= bench.length ? bench : Buffer.allocUnsafeSlow(box.box.length);
    const end = bytes.write(box.box, 'base64');
    const sealed = bytes.subarray(NONCE_BYTES, end);
    const plain = bytes.subarray(NONCE_BYTES, end - TAG_BYTES); // libsodium opens in place
    const nonce = bytes.subarray(0, NONCE_BYTES);
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plain, null, sealed, additionalData(box, subject, at), nonce, key);
    return JSON.parse(plain.toString('utf8')) as JsonObject; // authenticated: it is what `boxOf` wrote
  } catch (cause) {
    throw new BoxDoesNotOpen(`a sealed box of event ${at.id} does not open with the key of its subject`, { cause });
  }
};

/** Where boxes are opened, one at a time: a replay would else make buffers by the million. */
const bench = Buffer.allocUnsafeSlow(64 * 1024);

const additionalData = (box: Box, subject: SubjectId, at: Whereabouts): Buffer =>
  Buffer.from([at.stream, at.id, box.each ?? box.within ?? '', box.index ?? '', box.subject, subject, ...box.fields].join('\n'), 'utf8');

const withoutPersonal = (rules: readonly PersonalFields[], data: JsonObject): JsonObject => {
  const rest: { [key: string]: JsonValue } = { ...data };
  for (const { each, fields } of rules) {
    if (each === undefined) for (const field of fields) delete rest[field];
    else rest[each] = asItems(rest[each]).map((item) => omit(item, fields));
  }
  return rest;
};

const omit = (item: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(item).filter(([key]) => !fields.includes(key)));

const boxesOf = (stored: JsonObject): readonly Box[] => (stored[SEALED] as readonly Box[] | undefined) ?? []; // only `seal` writes it

/** Whose box it is. */
const subjectIn = (stored: JsonObject, box: Box): SubjectId => box.of ?? subjectOf(targetOf(stored, box), box.subject);

const targetOf = (stored: JsonObject, box: Box): JsonObject =>
  box.each === undefined ? stored : (asItems(stored[box.each])[box.index ?? 0] ?? {});

const replaceItem = (items: JsonValue | undefined, index: number, fields: JsonObject): readonly JsonObject[] =>
  asItems(items).map((item, at) => (at === index ? { ...item, ...fields } : item));

// The codec has shaped the data before it came here, so an `each` field is an array of objects.
const asItems = (value: JsonValue | undefined): readonly JsonObject[] => (value ?? []) as readonly JsonObject[];

// The codec has seen an id there; anything else would find no key.
const subjectOf = (target: JsonObject, field: string): SubjectId => {
  const subject = target[field];
  return (typeof subject === 'string' ? subject : '') as SubjectId;
};

/** Random bytes are drawn in blocks, since each draw costs more than a cipher; every slice is used once. */
const nextNonce = (): Buffer => {
  if (nonceAt === nonces.length) {
    nonces = randomBytes(NONCE_BYTES * 512);
    nonceAt = 0;
  }
  nonceAt += NONCE_BYTES;
  return nonces.subarray(nonceAt - NONCE_BYTES, nonceAt);
};
let nonces = Buffer.alloc(0);
let nonceAt = 0;
