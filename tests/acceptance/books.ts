/** Whether the books balance: what was promised to people against what they and the read models were told. */
import type { Message } from '@tidings/contracts/http/chat-objects';
import type { Me, Thread } from '@tidings/contracts/http/mail-objects';
import { expect, vi } from 'vitest';
import type { Program } from '../kit/program.ts';
import { askJson, isCaughtUp, type Person } from './town.ts';

const WITHIN_MS = 30_000;

/** A message as a live stream told it. */
export interface Told {
  readonly id: string;
  readonly room: string;
  readonly bytes: string;
}

/**
 * Each acknowledged message is in the timeline once, and each listener heard just the timeline, in its order and bytes.
 * @param acknowledged the answers to the posts; a listener's list may still grow
 */
export const expectRoomInOrder = async (
  program: Program,
  room: string,
  reader: Person,
  acknowledged: readonly string[],
  listeners: ReadonlyMap<Person, readonly Told[]>,
): Promise<void> => {
  await vi.waitFor(async () => expect(await isCaughtUp(program)).toBe(true), { timeout: WITHIN_MS, interval: 100 });
  const shown = await timelineOf(program, reader, room);
  expect(shown.map(({ seq }) => seq)).toEqual(shown.map((_, at) => at + 1));
  const bytes = shown.map((message) => JSON.stringify(message));
  expect(bytes.toSorted(), 'each acknowledged message is there once, as it was acknowledged').toEqual(acknowledged.toSorted());
  for (const [listener, told] of listeners) {
    const ofRoom = (): readonly string[] => told.flatMap((one) => (one.room === room ? [one.bytes] : []));
    await vi.waitFor(() => expect(ofRoom().length).toBeGreaterThanOrEqual(bytes.length), { timeout: WITHIN_MS, interval: 50 });
    expect(ofRoom(), `${listener.name} heard each once, in order`).toEqual(bytes);
    const ids = told.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  }
};

/** Each accepted mail is in its mailbox once, and no other. @param withinMs how long filing may take for what is left */
export const expectMailOnce = async (program: Program, owner: Person, accepted: readonly string[], withinMs = WITHIN_MS): Promise<void> => {
  const me = await askJson<Me>(program, owner, '/api/me');
  const mailbox = me.mailboxes.find(({ address }) => address === owner.email)?.id ?? '';
  const subjects = async (): Promise<readonly string[]> => {
    const threads = await threadsOf(program, owner, mailbox);
    return threads.flatMap(({ subject, messageCount }) => Array.from({ length: messageCount }, () => subject)).toSorted();
  };
  const enough = async (): Promise<void> => expect((await subjects()).length).toBeGreaterThanOrEqual(accepted.length);
  await vi.waitFor(enough, { timeout: withinMs, interval: 200 });
  expect(await subjects(), 'each accepted mail is there once').toEqual(accepted.toSorted());
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

export const threadsOf = async (program: Program, reader: Person, mailbox: string): Promise<readonly Thread[]> => {
  const pages: Thread[] = [];
  for (let cursor = ''; ;) {
    const path = `/api/mailboxes/${mailbox}/threads?view=all&limit=100${cursor}`;
    const page = await askJson<{ content: readonly Thread[]; cursor: string | null }>(program, reader, path);
    pages.push(...page.content);
    if (page.cursor === null) return pages;
    cursor = `&cursor=${encodeURIComponent(page.cursor)}`;
  }
};
