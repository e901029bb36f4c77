/**
 * People who chat, listen and get mail while things break around them, as good clients do it: whoever is refused comes back with the same
 * key, the same mail, the same last id. Afterwards the books must balance: everything once, in one order, in the same bytes everywhere.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { liveEvents } from '@tidings/contracts/client/events';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Me, Thread } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { expect, vi } from 'vitest';
import type { Program } from '../kit/program.ts';
import { ask, askJson, isCaughtUp, type Person, type Town } from './town.ts';

/** A modest rate: some dozens of messages and some ten mails a second. */
const PAUSE_MS = 40;
const MAIL_PAUSE_MS = 60;
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
  readonly #heard = new Map<Person, { readonly id: string; readonly message: Message; readonly bytes: string }[]>();
  readonly #program: () => Program;
  readonly #rooms: readonly Room[];
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
    const load = new Load(program, [await open('Single', [ada, ben]), await open('Group', [ada, ben, cleo, dan])], [ada, cleo]);
    for (const listener of [ben, cleo, dan]) load.#listening.push(load.#listen(listener));
    for (const room of load.#rooms) for (const writer of room.members.slice(0, 2)) load.#working.push(load.#write(room, writer));
    for (const owner of load.#mailed) load.#working.push(load.#mail(owner));
    return load;
  }

  private constructor(program: () => Program, rooms: readonly Room[], mailed: readonly Person[]) {
    this.#program = program;
    this.#rooms = rooms;
    this.#mailed = mailed;
  }

  /** Waits until this many more posts and mails got through. */
  async more(count: number): Promise<void> {
    const [posts, mails] = [this.acknowledged.length + count, this.accepted.length + Math.ceil(count / 4)];
    const through = (): void => expect([this.acknowledged.length >= posts, this.accepted.length >= mails]).toEqual([true, true]);
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
    const heard: { readonly id: string; readonly message: Message; readonly bytes: string }[] = [];
    this.#heard.set(listener, heard);
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
      expect(event?.type, json).not.toBe('Resync');
      if (event?.type === 'ChatMessage')
        heard.push({ id: id ?? '', message: event.message, bytes: JSON.stringify((JSON.parse(json) as { message: unknown }).message) });
    }
  }

  /** Lets everybody come to an end and compares what was promised with what there is. */
  async balance(): Promise<void> {
    this.#enough.abort();
    await Promise.all(this.#working);
    try {
      for (const room of this.#rooms) await this.#balanceRoom(room);
      for (const owner of this.#mailed) await this.#balanceMailbox(owner);
      const slowest = Math.max(0, ...[...this.refusedPosts, ...this.refusedMails].map(({ ms }) => ms));
      expect(slowest, 'somebody was left hanging').toBeLessThan(LONGEST_ANSWER_MS);
    } finally {
      this.#deaf.abort();
      await Promise.all(this.#listening);
    }
  }

  /** For the closing summary. */
  get summary(): string {
    const { acknowledged, accepted, refusedPosts, refusedMails } = this;
    const slowest = Math.max(0, ...[...refusedPosts, ...refusedMails].map(({ ms }) => ms));
    return (
      `${acknowledged.length} messages and ${accepted.length} mails, ${refusedPosts.length} and ${refusedMails.length} refusals, ` +
      `the slowest after ${Math.round(slowest)} ms`
    );
  }

  /** Ends everything, whatever state it is in. */
  async abandon(): Promise<void> {
    this.#enough.abort();
    this.#deaf.abort();
    await Promise.allSettled(this.#listening);
  }

  async #balanceRoom({ id, members }: Room): Promise<void> {
    const acknowledged = this.acknowledged.filter(({ room }) => room === id).map(({ bytes }) => bytes);
    const [reader] = members as readonly [Person];
    await vi.waitFor(async () => expect(await isCaughtUp(this.#program())).toBe(true), { timeout: BALANCE_MS, interval: 100 });
    const shown = await timelineOf(this.#program(), reader, id);
    expect(shown.map(({ seq }) => seq)).toEqual(shown.map((_, at) => at + 1));
    const bytes = shown.map((message) => JSON.stringify(message));
    expect(bytes.toSorted(), 'each acknowledged message is there once, as it was acknowledged').toEqual(acknowledged.toSorted());
    for (const listener of members.filter((member) => this.#heard.has(member))) {
      const told = (): readonly string[] =>
        (this.#heard.get(listener) ?? []).flatMap((one) => (one.message.chatRoomId === id ? [one.bytes] : []));
      await vi.waitFor(() => expect(told().length).toBeGreaterThanOrEqual(bytes.length), { timeout: BALANCE_MS, interval: 50 });
      expect(told(), `${listener.name} heard each once, in order`).toEqual(bytes);
      const ids = (this.#heard.get(listener) ?? []).map((one) => one.id);
      expect(ids).toEqual([...new Set(ids)].toSorted());
    }
  }

  async #balanceMailbox(owner: Person): Promise<void> {
    const accepted = this.accepted.filter(({ to }) => to === owner).map(({ subject }) => subject);
    const me = await askJson<Me>(this.#program(), owner, '/api/me');
    const mailbox = me.mailboxes.find(({ address }) => address === owner.email)?.id ?? '';
    const subjects = async (): Promise<readonly string[]> => {
      const threads = await threadsOf(this.#program(), owner, mailbox);
      return threads.flatMap(({ subject, messageCount }) => Array.from({ length: messageCount }, () => subject)).toSorted();
    };
    await vi.waitFor(async () => expect((await subjects()).length).toBeGreaterThanOrEqual(accepted.length), {
      timeout: BALANCE_MS,
      interval: 200,
    });
    expect(await subjects(), 'each accepted mail is there once').toEqual(accepted.toSorted());
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
    await delay(PAUSE_MS);
  }
};

/** From the first to the last. */
const timelineOf = async (program: Program, reader: Person, room: string): Promise<readonly Message[]> => {
  const pages: Message[] = [];
  for (let before = ''; ;) {
    const page = await askJson<readonly Message[]>(program, reader, `/api/rooms/${room}/timeline?limit=100${before}`);
    pages.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < 100) return pages.toReversed();
    before = `&before=${last.messageId}`;
  }
};

const threadsOf = async (program: Program, reader: Person, mailbox: string): Promise<readonly Thread[]> => {
  const pages: Thread[] = [];
  for (let cursor = ''; ;) {
    const path = `/api/mailboxes/${mailbox}/threads?view=all&limit=100${cursor}`;
    const page = await askJson<{ content: readonly Thread[]; cursor: string | null }>(program, reader, path);
    pages.push(...page.content);
    if (page.cursor === null) return pages;
    cursor = `&cursor=${encodeURIComponent(page.cursor)}`;
  }
};

/**
 * Waits until all of it serves again: ready, commands carried out, a new live stream that tells of them.
 * @returns how long that took
 */
export const recovery = async (program: Program, { people }: Town, withinMs: number): Promise<number> => {
  const began = performance.now();
  const [, , , , eve, fay] = people as readonly Person[];
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
