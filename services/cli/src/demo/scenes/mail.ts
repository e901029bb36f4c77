/** Mail comes in: it is filed into threads, cleaned, kept byte for byte, and read. */
import type { Email, Mailbox, Thread } from '@tidings/contracts/http/mail-objects';
import type { ThreadId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { found, surely } from '../failed.ts';
import type { Cast, Listener, Person } from '../people.ts';
import { openPostOffice, type Posted, type PostOffice } from '../post.ts';
import { count, short, table } from '../stage.ts';

export const mail = async (cast: Cast): Promise<void> => {
  cast.stage.scene('Mail comes in');
  const office = openPostOffice(cast.backbone, Date.now().toString(36));
  try {
    await story(cast, office);
  } finally {
    office.close();
  }
};

const story = async (cast: Cast, office: PostOffice): Promise<void> => {
  const { stage, alice, bob } = cast;
  const own = mailboxOf(alice, 'personal');
  const contact = mailboxOf(alice, 'shared');
  const both = [
    { mailbox: own, members: [alice] },
    { mailbox: contact, members: [alice, bob] },
  ];

  stage.act('Renée asks the town hall, with a copy to Alice.');
  const question = await post(cast, office, '1-question.eml', 'renee@example.org', both);
  stage.act('The library sends its newsletter: a script, a tracking pixel, an attachment.');
  const newsletter = await post(cast, office, '2-newsletter.eml', 'library@example.org', both.slice(0, 1));
  stage.act('Someone answers Renée, to all.');
  const answer = await post(cast, office, '3-answer.eml', 'bob@example.com', both);
  surely(
    both.every(({ mailbox }) => question.threads.get(mailbox) === answer.threads.get(mailbox)),
    'the answer did not join the thread of its question',
  );
  stage.act('Greetings from Japan.');
  const greetings = await post(cast, office, '4-greetings.eml', 'yamada@example.jp', both.slice(0, 1));

  const position = greetings.position;
  await showInbox(cast, alice, own, position);
  await showInbox(cast, bob, contact, position);
  await showThread(cast, alice, found(question.threads.get(own), 'the question has no thread'), [question, answer]);
  await showHtml(cast, alice, newsletter);
  await readThread(cast, bob, contact, found(question.threads.get(contact), 'the question has no thread'));
};

const mailboxOf = (person: Person, kind: Mailbox['kind']): Mailbox =>
  found(
    person.mailboxes.find((mailbox) => mailbox.kind === kind),
    `${person.name} has no ${kind} mailbox`,
  );

interface Recipient {
  readonly mailbox: Mailbox;
  readonly members: readonly Listener[];
}
interface Filed extends Posted {
  readonly threads: ReadonlyMap<Mailbox, ThreadId>;
  /** By when it stands in all of them. */
  readonly position: Position;
}

/** Sends, and waits until everyone who sees one of the mailboxes has heard that it came and where it went. */
const post = async ({ stage }: Cast, office: PostOffice, sample: string, from: string, to: readonly Recipient[]): Promise<Filed> => {
  const posted = await office.send(
    sample,
    from,
    to.map(({ mailbox }) => mailbox.address),
  );
  stage.answer(`SMTP answers ${posted.reply}`);
  const threads = new Map<Mailbox, ThreadId>();
  const positions: Position[] = [];
  for (const { mailbox, members } of to)
    for (const { live } of members) {
      const { event, position } = await live.until(
        'EmailReceived',
        (one) => one.emailId === posted.emailId && one.mailboxId === mailbox.id,
      );
      threads.set(mailbox, event.threadId);
      positions.push(position);
      await live.until(
        'ThreadChanged',
        ({ mailboxId, change }) => mailboxId === mailbox.id && change.type === 'filed' && change.emailId === posted.emailId,
      );
    }
  return { ...posted, threads, position: found(positions.toSorted().at(-1), `${sample} was sent to nobody`) };
};

const showInbox = async ({ stage }: Cast, person: Person, { id, address }: Mailbox, position: Position): Promise<void> => {
  const { content } = await person.client.listThreads({ params: { mailboxId: id }, query: { view: 'inbox', limit: 5 }, position });
  stage.view(`The inbox of ${address}, as ${person.name} sees it`, table(content.map(inboxRow)));
};

const inboxRow = ({ subject, snippet, participants, messageCount, unread, hasAttachments }: Thread): readonly string[] => [
  unread ? '●' : '○',
  short(participants.map(({ name, email }) => name ?? email).join(', '), 24),
  short(messageCount > 1 ? `${subject} (${messageCount})` : subject, 34),
  short(`${hasAttachments ? '[attachment] ' : ''}${snippet}`, 44),
];

const showThread = async ({ stage }: Cast, person: Person, threadId: ThreadId, parts: readonly Filed[]): Promise<void> => {
  const { content } = await person.client.listThreadMessages({ params: { threadId } });
  const emails = parts.map(({ emailId }) =>
    found(
      content.find((email) => email.id === emailId),
      `the thread lacks the email ${emailId}`,
    ),
  );
  const sizes = await Promise.all(emails.map((email, index) => rawSize(person, email, parts[index])));
  stage.view(
    `The thread “${emails[0]?.subject ?? ''}”`,
    emails.flatMap((email, index) => [...emailLines(email), `  (raw: ${count(sizes[index] ?? 0, 'byte')}, the same that were sent)`]),
  );
};

const emailLines = (email: Email): readonly string[] => [
  `From ${email.from.map(({ name, email: address }) => (name === null ? address : `${name} <${address}>`)).join(', ')}`,
  ...bodyOf(email, 'textBody')
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd()),
];

const bodyOf = (email: Email, kind: 'textBody' | 'htmlBody'): string =>
  email[kind].map(({ partId }) => email.bodyValues[partId]?.value ?? '').join('\n');

/** What was sent is what is kept. */
const rawSize = async ({ client }: Person, { id, size }: Email, sent: Filed | undefined): Promise<number> => {
  const response = await client.getRawEmail({ params: { emailId: id } });
  const raw = Buffer.from(await response.arrayBuffer());
  surely(sent !== undefined && raw.equals(sent.raw) && raw.length === size, 'the raw mail is not byte for byte what was sent');
  return raw.length;
};

const showHtml = async ({ stage }: Cast, person: Person, { emailId }: Filed): Promise<void> => {
  const email = await person.client.getEmail({ params: { emailId } });
  const html = bodyOf(email, 'htmlBody');
  surely(!/<script|onclick|this never runs/i.test(html), 'the HTML of the newsletter still holds a script');
  surely(!/\ssrc="https?:/i.test(html), 'the HTML of the newsletter still loads its tracking pixel');
  stage.view(
    `“${email.subject}”, its HTML as a browser gets it`,
    html.split('\n').filter((line) => line.trim() !== ''),
  );

  const rows = [];
  for (const { partId, name, type, size } of email.attachments) {
    const bytes = await (await person.client.getEmailPart({ params: { emailId, partId } })).arrayBuffer();
    surely(bytes.byteLength === size, `the attachment ${name} has ${bytes.byteLength} bytes, not ${size}`);
    rows.push([name ?? partId, type, count(size, 'byte')]);
  }
  surely(rows.length === 1, `the newsletter has ${count(rows.length, 'attachment')}, not one`);
  stage.view('Its attachment', table(rows));
};

const readThread = async ({ stage, alice, bob }: Cast, person: Person, mailbox: Mailbox, threadId: ThreadId): Promise<void> => {
  const { client, name, id } = person;
  stage.act(`${name} reads the thread in ${mailbox.address}.`);
  const { content } = await client.listThreadMessages({ params: { threadId } });
  const upTo = found(content.at(-1), 'the thread is empty').id;
  const thread = await client.markThreadRead({ params: { threadId }, body: { mailboxId: mailbox.id, upTo } });
  surely(!thread.unread, 'the thread is still unread');
  for (const { live } of [alice, bob])
    await live.until('ThreadChanged', (one) => one.threadId === threadId && one.change.type === 'read' && one.change.by === id);
  const { views } = await client.getMailboxCounts({ params: { mailboxId: mailbox.id } });
  stage.view(`${mailbox.address} now`, [`${count(views.inbox.threads, 'thread')} in the inbox, ${views.inbox.unread} unread`]);
};
