/** How much of a mail has to be looked at to know who sent it, from its header alone and in one pass. */
import { bodyStart, fieldsOf } from '../mime/head.ts';
import { MAX_FIELD_BYTES, MAX_HEAD_BYTES } from '../mime/limits.ts';

/** More signatures than any mail has a use for; each one costs a question and a computation. */
const MAX_SIGNATURES = 10;

export interface Checkable {
  readonly isSigned: boolean;
  /** The whole mail if it is signed and within limits, else what says who it is from. */
  readonly bytes: Uint8Array;
}

export const checkable = (raw: Uint8Array): Checkable => {
  const start = bodyStart(raw);
  const from: Uint8Array[] = [];
  const kept: Uint8Array[] = [];
  let signatures = 0;
  let isSealed = false;
  let dropped = 0;
  for (const field of fieldsOf(raw.subarray(0, Math.min(start, MAX_HEAD_BYTES)))) {
    const name = nameOf(field);
    if (name === 'from' && field.byteLength <= MAX_FIELD_BYTES) from.push(field);
    if (name.startsWith('arc-')) isSealed = true;
    if (name === 'dkim-signature' && (signatures += 1) > MAX_SIGNATURES) dropped += 1;
    else kept.push(field);
  }
  const isSigned = (signatures > 0 || isSealed) && start <= MAX_HEAD_BYTES;
  if (!isSigned) return { isSigned, bytes: Buffer.concat([...from, Buffer.from('\r\n')]) };
  return { isSigned, bytes: dropped === 0 ? raw : Buffer.concat([...kept, raw.subarray(start)]) };
};

const nameOf = (field: Uint8Array): string => {
  const colon = field.indexOf(0x3a);
  return colon < 0 || colon > 40 ? '' : Buffer.from(field.subarray(0, colon)).toString('latin1').trim().toLowerCase();
};
