/** The mail of a town's history: what comes in, what its mailboxes make of it, what they write, and what they bring along. */
import type { Import } from '@tidings/contracts/http/imports';
import type { Email, Mailbox, Me, Thread } from '@tidings/contracts/http/mail-objects';
import { vi } from 'vitest';
import type { History } from './history.ts';
import { act, apart, type Kept, together, upload, type Writing } from './history-writing.ts';
import { ownMail, sendAll, type Sample } from './mail-in-sender.ts';
import { askJson, Dice, isCaughtUp, type Person } from './town.ts';

export const openShared = async (writing: Writing): Promise<readonly Mailbox[]> => {
  const { town, dice } = writing;
  const opened: Mailbox[] = [];
  for (const name of ['support', 'sales']) {
    const members = [
      { userId: town.admin.id, role: 'admin' },
      ...dice.some(4, town.people.slice(1)).map(({ id }, n) => ({ userId: id, role: ['viewer', 'editor', 'sender', 'viewer'][n] })),
    ];
    const body = { kind: 'shared', address: `${name}@tidings.test`, name, members };
    opened.push((await act(writing, town.admin, '/api/mailboxes', { body })) as Mailbox);
  }
  return opened;
};

/** Of a mailbox: what is asked about it later. */
type Handled = Pick<History, 'threads' | 'emails' | 'imports'>;

export const exchangeMail = async (writing: Writing, shared: readonly Mailbox[]): Promise<Pick<History, 'mailboxes'> & Handled> => {
  const { program, town, dice } = writing;
  const owners = town.people.slice(0, 6);
  const addresses = [...owners.map(({ email }) => email), ...shared.map(({ address }) => address)];
  const sent = await Promise.all([
    sendAll(program.smtpPort, shared[0]?.address ?? '', ownMail()),
    ...addresses.map((address, n) => sendAll(program.smtpPort, address, conversation(new Dice(n), address, n))),
  ]);
  const refused = sent.flat().filter(({ emailId }) => emailId === null);
  if (refused.length > 0) throw new Error(`mail was refused: ${refused.map(({ name, reply }) => `${name}: ${reply}`).join('; ')}`);
  await vi.waitFor(
    async () => {
      if (!(await isCaughtUp(program))) throw new Error('mail is still being filed');
    },
    { timeout: 60_000, interval: 100 },
  );

  const mailboxes: Kept[] = [];
  for (const owner of owners) {
    const me = await askJson<Me>(program, owner, '/api/me');
    for (const { id } of me.mailboxes) if (!mailboxes.some((known) => known.id === id)) mailboxes.push({ id, reader: owner });
  }
  // Each mailbox has its own luck, as they are worked at side by side.
  const handled = await together(
    writing,
    mailboxes.map((mailbox, nth) => (own) => handleMailbox(apart(own, new Dice(nth)), mailbox, mailboxes[(nth + 1) % mailboxes.length])),
  );
  const leaver = shared[1];
  if (leaver !== undefined)
    await act(writing, town.admin, `/api/mailboxes/${leaver.id}/members/${dice.one(town.people.slice(1)).id}`, { method: 'DELETE' });
  return {
    mailboxes,
    threads: handled.flatMap(({ threads }) => threads),
    emails: handled.flatMap(({ emails }) => emails),
    imports: handled.flatMap(({ imports }) => imports),
  };
};

const handleMailbox = async (writing: Writing, { id, reader }: Kept, next: Kept | undefined): Promise<Handled> => {
  const { program, town, dice } = writing;
  const brought = await bringAlong(writing, reader, id);
  const { content } = await askJson<{ content: readonly Thread[] }>(program, reader, `/api/mailboxes/${id}/threads?view=all&limit=100`);
  const label = (await act(writing, reader, `/api/mailboxes/${id}/labels`, { body: { name: 'Works/Roof' } })) as {
    readonly id: string;
  } | null;
  const threads: string[] = content.map((thread) => thread.id);
  await writeDrafts(writing, reader, id, content);
  const emails: string[] = [];
  for (const threadId of threads.slice()) {
    const held = await emailsIn(writing, reader, threadId);
    emails.push(...held.map((email) => email.id));
    await handleThread(writing, reader, id, threadId, held);
    await discussThread(writing, reader, threadId, { label: label?.id ?? null, mailbox: next?.id ?? id });
    threads.push(...(await parting(writing, reader, id, threadId, held)));
  }
  const newcomer = dice.one(town.people);
  await act(writing, town.admin, `/api/mailboxes/${id}/members/${newcomer.id}`, { method: 'PUT', body: { role: 'viewer' } });
  const kept = (ids: readonly string[]): readonly Kept[] => ids.map((one) => ({ id: one, reader }));
  return { threads: kept(threads), emails: kept(emails), imports: kept(brought) };
};

const emailsIn = async ({ program }: Writing, by: Person, threadId: string): Promise<readonly Email[]> =>
  (await askJson<{ content: readonly Email[] }>(program, by, `/api/threads/${threadId}/messages?limit=100`)).content;

/** Old mail: answers before what they answer, with marks and labels, some of it twice. @returns the import, where they may */
const bringAlong = async (writing: Writing, by: Person, mailboxId: string): Promise<readonly string[]> => {
  const { program, dice } = writing;
  const mails = Array.from({ length: 12 }, (_, n) => {
    const [id, first] = [`old.${n}.${mailboxId}@letters.example`, `old.${n - (n % 3)}.${mailboxId}@letters.example`];
    return [
      `From writer@letters.example Mon Mar 0${1 + dice.below(9)} 1${dice.below(10)}:00:00 2010`,
      ...['From: Old Friend <friend@letters.example>', `Subject: ${n % 3 === 0 ? '' : 'Re: '}Long ago ${n - (n % 3)}`],
      ...[`Message-ID: <${id}>`, ...(n % 3 === 0 ? [] : [`In-Reply-To: <${first}>`])],
      ...[`Status: ${dice.one(['O', 'RO'])}`, `X-Status: ${dice.one(['', 'F', 'A'])}`, `X-Keywords: ${dice.one(['', 'Works', 'Past'])}`],
      ...['', `It was ${dice.below(100)} years ago.`, ''],
    ].join('\n');
  });
  const mbox = [...mails, mails[0] ?? ''].toReversed().join('\n');
  const begun = (await upload(writing, by, `/api/mailboxes/${mailboxId}/imports`, 'file', mbox, 'old.mbox')) as Import | null;
  if (begun === null) return [];
  await vi.waitFor(
    async () => {
      const { endedAt } = await askJson<Import>(program, by, `/api/imports/${begun.id}`);
      if (endedAt === null || !(await isCaughtUp(program))) throw new Error('the import is under way');
    },
    { timeout: 60_000, interval: 100 },
  );
  return [begun.id];
};

/** Labels, comments, who takes care, whom it is shared with; some of it taken back. */
const discussThread = async (
  writing: Writing,
  by: Person,
  threadId: string,
  { label, mailbox }: { readonly label: string | null; readonly mailbox: string },
): Promise<void> => {
  const { dice } = writing;
  const path = `/api/threads/${threadId}`;
  const chance = dice.below(8);
  if (chance === 0 && label !== null) await act(writing, by, `${path}/labels/${label}`, { method: 'PUT' });
  else if (chance === 1) {
    const body = { content: `What about this? ${writing.count}` };
    const comment = (await act(writing, by, `${path}/comments`, { body })) as { readonly id: string } | null;
    if (comment !== null && dice.below(2) === 0) await act(writing, by, `/api/comments/${comment.id}`, { method: 'DELETE' });
  } else if (chance === 2) {
    await act(writing, by, `${path}/assignees/${by.id}`, { method: 'PUT' });
    if (dice.below(2) === 0) await act(writing, by, `${path}/assignees/${by.id}`, { method: 'DELETE' });
  } else if (chance === 3) {
    await act(writing, by, `${path}/mailboxes/${mailbox}`, { method: 'PUT', body: { role: dice.one(['viewer', 'editor']) } });
    if (dice.below(2) === 0) await act(writing, by, `${path}/mailboxes/${mailbox}`, { method: 'DELETE' });
  }
};

/** Now and then emails leave their thread: for one of their own, or for ever. @returns the new thread, if there is one */
const parting = async (
  writing: Writing,
  by: Person,
  mailboxId: string,
  threadId: string,
  emails: readonly Email[],
): Promise<readonly string[]> => {
  const { dice } = writing;
  const chance = dice.below(4);
  if (chance === 0 && emails.length > 1) {
    const body = { emailId: dice.one(emails.slice(1)).id };
    const split = (await act(writing, by, `/api/threads/${threadId}/split`, { body })) as Thread | null;
    return split === null ? [] : [split.id];
  }
  if (chance !== 1) return [];
  await act(writing, by, '/api/threads/flags', { body: { mailboxId, threadIds: [threadId], set: { trashed: true } } });
  const doomed = dice.below(2) === 0 ? `/api/threads/${threadId}` : `/api/emails/${emails[0]?.id}`;
  await act(writing, by, `${doomed}?mailboxId=${mailboxId}`, { method: 'DELETE' });
  return [];
};

/** New ones and answers, long and short, saved again, thrown away, waiting to be sent; and what the mailbox writes them with. */
const writeDrafts = async (writing: Writing, by: Person, mailboxId: string, threads: readonly Thread[]): Promise<void> => {
  const { program, dice } = writing;
  const path = `/api/mailboxes/${mailboxId}`;
  /** `none` where they may not write. */
  const begin = async (body: object): Promise<string> =>
    ((await act(writing, by, `${path}/drafts`, { body })) as { readonly id: string } | null)?.id ?? 'none';
  const to = [{ name: 'Zoë', email: 'zoe@elsewhere.test' }];
  const [thread] = threads;
  if (thread !== undefined) {
    const found = await askJson<{ content: readonly Email[] }>(program, by, `/api/threads/${thread.id}/messages?mailboxId=${mailboxId}`);
    const [email] = found.content;
    if (email !== undefined) await begin({ inReplyTo: { emailId: email.id, mode: dice.below(2) === 0 ? 'reply-all' : 'forward' } });
  }
  const long = await begin({ to, subject: 'Long', text: 'a story '.repeat(dice.below(4_000)) });
  await act(writing, by, `/api/drafts/${long}`, { method: 'PUT', body: { revision: 1, html: '<p>Another</p>' } });
  await act(writing, by, `/api/drafts/${await begin({ subject: 'Thrown away' })}`, { method: 'DELETE' });
  const waiting = await begin({ to, subject: 'Waits', text: 'x' });
  await act(writing, by, `/api/drafts/${waiting}/send`, { body: { sendAt: new Date(Date.now() + 3_600_000).toISOString() } });
  if (dice.below(2) === 0) await act(writing, by, `/api/drafts/${waiting}/send`, { method: 'DELETE' });
  const goes = await begin({ to, subject: 'Goes', text: 'At once.' });
  await act(writing, by, `/api/drafts/${goes}/send`, { body: { undoSeconds: 0 } });
  for (const [kind, name] of [
    ['templates', 'Permit'],
    ['signatures', 'Formal'],
    ['signatures', 'Short'],
  ]) {
    const id = `${dice.below(9)}0000000-0000-4000-8000-000000000000`;
    await act(writing, by, `${path}/${kind}/${id}`, { method: 'PUT', body: { name, text: '{{name}}', isDefault: true } });
  }
  await act(writing, by, `${path}/autoreply`, { method: 'PUT', body: { isActive: false, text: 'Away', html: '<p>Away</p>' } });
  await act(writing, by, `${path}/receipts`, { method: 'PUT', body: { policy: 'never' } });
};

/** One in two threads is starred, put away, read in part, or several of these, some of it taken back. */
const handleThread = async (writing: Writing, by: Person, mailboxId: string, threadId: string, emails: readonly Email[]): Promise<void> => {
  const { dice } = writing;
  const flags = { starred: true, archived: true, spam: true, trashed: true };
  for (const name of dice.some(dice.below(3), Object.keys(flags)))
    await act(writing, by, '/api/threads/flags', { body: { mailboxId, threadIds: [threadId], set: { [name]: dice.below(4) > 0 } } });
  if (dice.below(2) === 0 && emails.length > 0) {
    const upTo = dice.below(4) === 0 ? null : dice.one(emails).id;
    await act(writing, by, `/api/threads/${threadId}/read`, { method: 'PUT', body: { mailboxId, upTo } });
  }
};

/** Letters and answers, some late, some twice, some to two of ours at once, with HTML, an image inside and an attachment. */
const conversation = (dice: Dice, address: string, nth: number): readonly Sample[] => {
  const samples: Sample[] = [];
  const ids: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    const answer = ids.length > 0 && dice.below(2) === 0 ? dice.one(ids) : null;
    const id = `<${nth}.${n}@letters.example>`;
    const text = `Letter ${n} for ${address}.\r\n${'All is well. '.repeat(dice.below(40))}\r\n`;
    const head = [
      `From: "Writer ${dice.below(4)}" <writer${dice.below(4)}@letters.example>`,
      `To: ${address}`,
      `Date: Fri, ${10 + n} Jan 2025 10:00:00 +0100`,
      `Message-ID: ${id}`,
      `Subject: ${answer === null ? `Matter ${dice.below(5)} =?utf-8?q?=C3=BCber?= ${n}` : 'Re: whatever'}`,
      ...(answer === null ? [] : [`In-Reply-To: ${answer}`, `References: ${answer}`]),
    ];
    samples.push({ name: id, raw: Buffer.from([...head, ...bodyOf(dice.below(3), text)].join('\r\n')) });
    if (dice.below(6) === 0) samples.push(samples.at(-1) as Sample); // the same again, as a peer that missed our 250 sends it
    ids.push(id);
  }
  return samples;
};

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const bodyOf = (kind: number, text: string): readonly string[] => {
  if (kind === 0) return ['', text];
  const html = `<p onclick="evil()">${text}<img src="cid:pixel"><script>evil()</script></p>`;
  return [
    'MIME-Version: 1.0',
    `Content-Type: multipart/${kind === 1 ? 'related' : 'mixed'}; boundary=b`,
    '',
    ...['--b', 'Content-Type: text/html; charset=utf-8', '', html],
    ...['--b', 'Content-Type: image/png; name="pixel.png"', 'Content-Transfer-Encoding: base64', 'Content-ID: <pixel>', '', PIXEL],
    '--b--',
    '',
  ];
};
