/**
 * Nothing but CRLF.CRLF ends a message, byte by byte over a raw socket. A reader of a few lines that takes RFC 5321 at its word says what must
 * come of each; the door has to agree, however the bytes are cut into packets.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, type OpenDoor } from './testing/open-door.ts';
import type { Dialogue } from './testing/smtp-dialogue.ts';

let kit: OpenDoor;
beforeAll(async () => {
  kit = await openDoor({ SMTP_MAX_ERRORS: '1000000' });
});
afterAll(() => kit.close());

const END = '\r\n.\r\n';
const HEAD = 'H: v\r\n\r\n';

/** What a message is: the content, or null when bare line ends forbid to take it. */
const reference = (wire: string): string | null => {
  const message = `\r\n${wire}`.slice(0, `\r\n${wire}`.indexOf(END) + 2);
  if (/(?<!\r)\n|\r(?!\n)/.test(message)) return null;
  return message.replaceAll('\r\n.', '\r\n').slice(2); // §4.5.2: a dot that begins a line goes
};

/** All strings over these letters, the shortest first. */
const strings = (letters: readonly string[], longest: number): readonly string[] => {
  const found = [''];
  for (let from = 0, length = 1; length <= longest; length += 1) {
    const shorter = found.slice(from);
    from = found.length;
    for (const start of shorter) for (const letter of letters) found.push(start + letter);
  }
  return found;
};

/** Sends one mail in these pieces, with a NOOP behind it: the session must be in step. @returns the id it was taken under, or null */
const send = async (dialogue: Dialogue, pieces: readonly string[]): Promise<string | null> => {
  dialogue.send('MAIL FROM:<ada@analytical.example>\r\nRCPT TO:<alice@tidings.test>\r\nDATA\r\n');
  for (const code of ['250', '250', '354']) expect((await dialogue.reply()).slice(0, 3)).toBe(code);
  for (const piece of pieces) {
    await new Promise<void>((resolve) => dialogue.socket.write(piece, 'latin1', () => resolve()));
    if (pieces.length > 1) await new Promise(setImmediate);
  }
  const reply = await dialogue.reply();
  const step = await dialogue.say('NOOP');
  // What lies behind an end that came early is no command of ours.
  for (let next = step; !next.startsWith('250 2.0.0 OK'); next = await dialogue.reply()) expect(next).toMatch(/^500 5\.5\.2 /);
  const id = /^250 2\.0\.0 Ok: queued as (\S+)$/.exec(reply)?.[1] ?? null;
  if (id === null) expect(reply).toMatch(/^550 5\.5\.2 /);
  return id;
};

interface Case {
  readonly wire: string;
  readonly pieces: readonly string[];
}

/** What came of each case: the content that was stored, or null when it was refused. Fails when anything else came in. */
const sendAll = async (cases: readonly Case[]): Promise<readonly (string | null)[]> => {
  const before = new Set((await kit.received()).map(({ emailId }) => emailId as string));
  const ids = new Map<number, string | null>();
  const queue = cases.entries();
  const session = async (): Promise<void> => {
    const dialogue = await kit.greeted();
    dialogue.socket.setNoDelay(true);
    await dialogue.say('EHLO client.example');
    for (const [at, { pieces }] of queue) ids.set(at, await send(dialogue, pieces));
    dialogue.close();
  };
  await Promise.all(Array.from({ length: 4 }, session));
  const received = new Map<string, string>();
  for (const { emailId, blobId } of await kit.received()) if (!before.has(emailId)) received.set(emailId, await kit.stored(blobId));
  expect([...received.keys()].toSorted()).toEqual([...ids.values()].filter((id) => id !== null).toSorted());
  return cases.map((_, at) => received.get(ids.get(at) ?? '') ?? null);
};

const expected = (cases: readonly Case[]): readonly (string | null)[] => cases.map(({ wire }) => reference(wire));

describe('nothing but CRLF.CRLF ends a message', () => {
  it('for every string of CR, LF and dots up to seven, and every one with a letter up to five', async () => {
    const all = new Set([...strings(['\r', '\n', '.'], 7), ...strings(['\r', '\n', '.', 'x'], 5)]);
    const wires = [...all].map((text) => `${HEAD}a${text}b${END}`);
    // At the very start and at the very end of a message too.
    for (const text of strings(['\r', '\n', '.', 'x'], 3)) wires.push(`${text}${END}`, `${HEAD}${text}${END}`, `${text}b${END}`);
    const cases = wires.map((wire) => ({ wire, pieces: [wire] }));
    expect(await sendAll(cases)).toEqual(expected(cases));
  }, 60_000);

  it('wherever the packets end', async () => {
    const cases = strings(['\r', '\n', '.'], 3).flatMap((text) =>
      [`${text}${END}`, `a${text}${END}`].flatMap((wire) => [
        { wire, pieces: [...wire] },
        ...Array.from({ length: wire.length - 1 }, (_, at) => ({ wire, pieces: [wire.slice(0, at + 1), wire.slice(at + 1)] })),
      ]),
    );
    expect(await sendAll(cases)).toEqual(expected(cases));
  }, 60_000);

  it('with a second mail behind every end that is none', async () => {
    const smuggled = 'MAIL FROM:<evil@x.example>\r\nRCPT TO:<alice@tidings.test>\r\nDATA\r\nevil';
    const ends = ['', '\r', '\n', '\r\n', '\n\r', '\r\r\n'];
    const fakes = ends.flatMap((before) => ['.', '..', '.\0', '\0.'].flatMap((dot) => ends.map((after) => `${before}${dot}${after}`)));
    const wires = fakes.filter((fake) => !fake.includes(END)).map((fake) => `${HEAD}a${fake}${smuggled}${END}`);
    const cases = wires.flatMap((wire) => [1, 2, 3, 7, wire.length].map((size) => ({ wire, pieces: cut(wire, size) })));
    expect(await sendAll(cases)).toEqual(expected(cases));
  }, 60_000);
});

const cut = (text: string, size: number): readonly string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
