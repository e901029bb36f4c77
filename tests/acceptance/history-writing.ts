/** What a history is written with: one pen for all of its parts. */
import type { Message } from '@tidings/contracts/http/chat-objects';
import type { Program } from '../kit/program.ts';
import { ask, type Asked, type Dice, type Person, type Town } from './town.ts';

export interface Said {
  readonly room: string;
  readonly id: string;
  readonly createdAt: string;
  readonly by: Person;
}

/** Something, and someone who sees it. */
export interface Kept {
  readonly id: string;
  readonly reader: Person;
}

export interface Writing {
  readonly program: Program;
  readonly town: Town;
  readonly dice: Dice;
  /** Numbers the requests: each has an Idempotency-Key, from which its ids derive. */
  count: number;
  readonly rooms: { readonly id: string; readonly members: readonly Person[] }[];
  readonly messages: Said[];
  readonly files: string[];
}

/** One of several who write at the same time: sees what there was before, keeps what it adds to itself, and numbers its requests with the others. */
export const apart = (writing: Writing, dice = writing.dice): Writing => ({
  ...{ ...writing, dice, rooms: [...writing.rooms], messages: [...writing.messages], files: [...writing.files] },
  get count() {
    return writing.count;
  },
  set count(count) {
    writing.count = count;
  },
});

/** Runs what is done at the same time. What it adds is in the order of the works, not in that in which they came to an end. */
export const together = async <A>(writing: Writing, works: readonly ((own: Writing) => Promise<A>)[]): Promise<readonly A[]> => {
  const had = { rooms: writing.rooms.length, messages: writing.messages.length, files: writing.files.length };
  const owns = works.map(() => apart(writing));
  const results = await Promise.all(works.map((work, at) => work(owns[at] ?? writing)));
  for (const own of owns) {
    const known = new Set(writing.rooms.map(({ id }) => id));
    writing.rooms.push(...own.rooms.slice(had.rooms).filter(({ id }) => !known.has(id)));
    writing.messages.push(...own.messages.slice(had.messages));
    writing.files.push(...own.files.slice(had.files));
  }
  return results;
};

/** Chance may ask for what is refused (leaving twice, a blocked friend): that is history too, but it may never fail. */
export const act = async (writing: Writing, person: Person, path: string, asked: Asked = {}): Promise<unknown> => {
  writing.count += 1;
  const headers = { 'idempotency-key': `act-${writing.count}` };
  const response = await ask(writing.program, person, path, { method: 'POST', ...asked, headers });
  const text = await response.text();
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${text}`);
  return response.status === 200 && text !== '' ? JSON.parse(text) : null;
};

export const say = async (writing: Writing, by: Person, body: { readonly chatRoomId: string; readonly msgBody: object }): Promise<void> => {
  const sent = (await act(writing, by, '/api/send-msg', { body })) as Message | null;
  if (sent !== null) writing.messages.push({ room: body.chatRoomId, id: sent.messageId, createdAt: sent.createdAt, by });
};

/** A GIF of one pixel, in a colour of its own. */
export const picture = (number: number): Uint8Array =>
  Buffer.from(`47494638396101000100800000${number.toString(16).padStart(6, '0')}ffffff2c00000000010001000002024401003b`, 'hex');

/** As `act`, with a file. */
export const upload = async (
  writing: Writing,
  person: Person,
  path: string,
  field: string,
  content: string | Uint8Array,
  name = `file ${writing.count + 1}`,
): Promise<unknown> => {
  writing.count += 1;
  const body = new FormData();
  body.append(field, new Blob([typeof content === 'string' ? content : new Uint8Array(content)]), name);
  const headers = { authorization: `Bearer ${person.token}`, 'idempotency-key': `act-${writing.count}` };
  const response = await fetch(new URL(path, writing.program.httpUrl), { method: 'POST', headers, body });
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.status === 200 ? response.json() : null;
};
