/**
 * People who chat, listen and get mail while things break around them, as good clients do it: whoever is refused comes back with the same
 * key, the same mail, the same last id. Afterwards the books must balance: everything once, in one order, in the same bytes everywhere.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { liveEvents } from '@tidings/contracts/client/events';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { expect, vi } from 'vitest';
import type { Program } from '../kit/program.ts';
import { expectMailOnce, expectRoomInOrder, type Told } from './books.ts';
import { ask, askJson, type Person, type Town } from './town.ts';

/** A modest rate: some dozens of messages and some ten mails a second. */
const PAUSE_MS = 40;
const MAIL_PAUSE_MS = 60;
/** Of who was refused: what starts again needs the processor itself. */
const AGAIN_MS = 150;
/** An append waits 5 s for the log, and what it changed gets 5 s to be readable. */
const LONGEST_ANSWER_MS = 11_000;
const HANGING_MS = 30_000;
const BALANCE_MS = 30_000;

/** An answer that was not what was asked for. */
export interface Refusal {
  /** HTTP status or SMTP reply code; null when the connection broke or there was none. */
  readonly code: number | null;
  readonly retryAfter: string | null;
  readonly ms: number;
}

interface Room {
  readonly id: string;
  readonly members: readonly Person[];
}

export class Load {
  /** Of HTTP and SMTP, in the order they came. */
  readonly refusedPosts: Refusal[] = [];
  readonly refusedMails: Refusal[] = [];
  readonly acknowledged: { readonly room: string; readonly bytes: string }[] = [];
  readonly accepted: { readonly to: Person; readonly subject: string }[] = [];
  readonly #told = new Map<Person, Told[]>();
  readonly #program: () => Program;
  readonly #rooms: readonly Room[];
  readonly #reader: Person;
  readonly #mailed: readonly Person[];
  readonly #enough = new AbortController();
  readonly #deaf = new AbortController();
  readonly #working: Promise<void>[] = [];
  readonly #listening: Promise<void>[] = [];

  /** Begins with the town's first four: two rooms, two mailboxes, three live streams. @param program the one that runs now */
  static async begin(program: () => Program, { people }: Town): Promise<Load> {
    const [ada, ben, cleo, dan] = people as readonly [Person, Person, Person, Person];
    for (const person of [ada, ben, cleo, dan]) await askJson<Me>(program(), person, '/api/me');
    const open = async (roomType: string, members: readonly Person[]): Promise<Room> => {
      const body = { roomType, roomName: roomType === 'Group' ? 'Crew' : null, invitedUsers: members.map(({ id }) => id) };
      return { id: (await askJson<ChatRoom>(program(), ada, '/api/rooms/create-room', { body })).id, members };
    };
    const rooms = [await open('Single', [ada, ben]), await open('Group', [ada, ben, cleo, dan])];
    const load = new Load(program, rooms, [ada, cleo], ada);
    for (const listener of [ben, cleo, dan]) load.#listening.push(load.#listen(listener));
    for (const room of load.#rooms) for (const writer of room.members.slice(0, 2)) load.#working.push(load.#write(room, writer));
    for (const owner of load.#mailed) load.#working.push(load.#mail(owner));
    return load;
  }

  private constructor(program: () => Program, rooms: readonly Room[], mailed: readonly Person[], reader: Person) {
    this.#program = program;
    this.#rooms = rooms;
    this.#mailed = mailed;
    this.#reader = reader;
  }

  /** Waits until this many more posts and mails got through. */
  async more(count: number): Promise<void> {
    const [posts, mails] = [this.acknowledged.length + count, this.accepted.length + Math.ceil(count / 4)];
    const through = (): void => {
      if (this.acknowledged.length < posts || this.accepted.length < mails) throw new Error(`too little got through: ${this.summary}`);
    };
    await vi.waitFor(through, { timeout: BALANCE_MS, interval: 20 });
  }

  async #write(room: Room, writer: Person): Promise<void> {
    for (let n = 0; !this.#enough.signal.aborted; n += 1) {
      const text = `${writer.name} ${n}`;
      const asked = {
        body: { chatRoomId: room.id, msgBody: { text } },
        headers: { 'idempotency-key': `${room.id}-${n}` },
        withinMs: HANGING_MS,
      };
      const post = async (): Promise<Refusal | null> => {
        const began = performance.now();
        const response = await ask(this.#program(), writer, '/api/send-msg', asked).catch(notHanging);
        const ms = performance.now() - began;
        if (response === null) return { code: null, retryAfter: null, ms };
        const bytes = await response.text().catch(notHanging);
        if (bytes === null) return { code: null, retryAfter: null, ms };
        if (response.status === 200) this.acknowledged.push({ room: room.id, bytes });
        return response.status === 200 ? null : { code: response.status, retryAfter: response.headers.get('retry-after'), ms };
      };
      await insist(post, this.refusedPosts);
      await delay(PAUSE_MS);
    }
  }

  async #mail(to: Person): Promise<void> {
    for (let n = 0; !this.#enough.signal.aborted; n += 1) {
      const subject = `Mail ${n} for ${to.name}`;
      const head = [`From: crew@sea.example`, `To: ${to.email}`, `Subject: ${subject}`, `Message-ID: <${n}.${to.id}@sea.example>`];
      const mail = { envelope: { from: 'crew@sea.example', to: [to.email] }, raw: `${head.join('\r\n')}\r\n\r\n${subject}\r\n` };
      const send = async (): Promise<Refusal | null> => {
        const began = performance.now();
        const transport = createTransport({
          host: '127.0.0.1',
          port: this.#program().smtpPort,
          ignoreTLS: true,
          socketTimeout: HANGING_MS,
        });
        try {
          await transport.sendMail(mail);
          this.accepted.push({ to, subject });
          return null;
        } catch (error) {
          const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : null;
          return { code, retryAfter: null, ms: performance.now() - began };
        } finally {
          transport.close();
        }
      };
      await insist(send, this.refusedMails);
      await delay(MAIL_PAUSE_MS);
    }
  }

  async #listen(listener: Person): Promise<void> {
    const told: Told[] = [];
    this.#told.set(listener, told);
    const program = this.#program;
    const options = {
      /** Asked at each connection: a program that starts anew may be on another port. */
      get baseUrl() {
        return program().httpUrl;
      },
      token: () => listener.token,
      lastEventId: '0000000000000000',
      signal: this.#deaf.signal,
    };
    for await (const { id, event, json } of liveEvents(options)) {
      if (event?.type === 'Resync') throw new Error(`${listener.name} was told to load afresh: ${json}`);
      if (event?.type !== 'ChatMessage') continue;
      const { message } = JSON.parse(json) as { message: unknown }; // its own bytes, not what a codec made of them
      told.push({ id: id ?? '', room: event.message.chatRoomId, bytes: JSON.stringify(message) });
    }
  }

  /** Lets everybody come to an end and compares what was promised with what there is. */
  async balance(): Promise<void> {
    this.#enough.abort();
    await Promise.all(this.#working);
    try {
      for (const { id, members } of this.#rooms) {
        const acknowledged = this.acknowledged.flatMap(({ room, bytes }) => (room === id ? [bytes] : []));
        const listeners = new Map([...this.#told].filter(([listener]) => members.includes(listener)));
        await expectRoomInOrder(this.#program(), id, this.#reader, acknowledged, listeners);
      }
      for (const owner of this.#mailed) {
        const accepted = this.accepted.flatMap(({ to, subject }) => (to === owner ? [subject] : []));
        await expectMailOnce(this.#program(), owner, accepted);
      }
      if (this.#slowest > LONGEST_ANSWER_MS) throw new Error(`somebody was left hanging: ${this.summary}`);
    } finally {
      this.#deaf.abort();
      await Promise.all(this.#listening);
    }
  }

  get #slowest(): number {
    return Math.max(0, ...[...this.refusedPosts, ...this.refusedMails].map(({ ms }) => ms));
  }

  /** For the closing summary. */
  get summary(): string {
    const { acknowledged, accepted, refusedPosts, refusedMails } = this;
    return (
      `${acknowledged.length} messages and ${accepted.length} mails, ${refusedPosts.length} and ${refusedMails.length} refusals, ` +
      `the slowest after ${Math.round(this.#slowest)} ms`
    );
  }

  /** Ends everything, whatever state it is in. */
  async abandon(): Promise<void> {
    this.#enough.abort();
    this.#deaf.abort();
    await Promise.allSettled(this.#listening);
  }
}

/** Null for a connection that broke. @throws when nothing came at all */
const notHanging = (error: unknown): null => {
  if (error instanceof Error && error.name === 'TimeoutError') throw error;
  return null;
};

const insist = async (attempt: () => Promise<Refusal | null>, refused: Refusal[]): Promise<void> => {
  for (let refusal = await attempt(); refusal !== null; refusal = await attempt()) {
    refused.push(refusal);
    await delay(AGAIN_MS);
  }
};

/** Refused, if at all, with 503 and when to come back, or with 451. */
export const expectPlainRefusals = ({ refusedPosts, refusedMails }: Load): void => {
  expect(refusedPosts.filter(({ code, retryAfter }) => code !== 503 || retryAfter === null)).toEqual([]);
  expect(refusedMails.filter(({ code }) => code !== 451)).toEqual([]);
};

/**
 * Waits until all of it serves again: ready, commands carried out, a new live stream that tells of them.
 * @returns how long that took
 */
export const recovery = async (program: Program, { people }: Town, withinMs: number): Promise<number> => {
  const began = performance.now();
  const [, , , , eve, fay] = people;
  if (eve === undefined || fay === undefined) throw new Error('the town is too small');
  const served = async (): Promise<void> => {
    expect((await fetch(new URL('/ready', program.httpUrl))).status).toBe(200);
    const body = { roomType: 'Group', roomName: 'Afterwards', invitedUsers: [eve.id, fay.id] };
    for (const person of [eve, fay]) await askJson<Me>(program, person, '/api/me');
    const stop = new AbortController();
    const opened = Promise.withResolvers<void>();
    try {
      const events = liveEvents({
        baseUrl: program.httpUrl,
        token: () => fay.token,
        signal: stop.signal,
        onOpen: opened.resolve,
        onRetry: (cause) => stop.abort(cause),
      });
      const first = events.next();
      await Promise.race([opened.promise, first, delay(1_000)]);
      const room = await askJson<ChatRoom>(program, eve, '/api/rooms/create-room', { body });
      const told = await Promise.race([first, delay(1_000, null)]);
      expect(told?.value?.event).toMatchObject({ type: 'NewRoom', room: { id: room.id } });
    } finally {
      stop.abort();
    }
  };
  await vi.waitFor(served, { timeout: withinMs, interval: 50 });
  return performance.now() - began;
};
