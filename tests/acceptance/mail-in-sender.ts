/** Sends mail as another mail server would: pipelined over kept sessions, dot-stuffed, every reply accounted for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dial } from '../../services/smtp-ingress/src/testing/smtp-dialogue.ts';

export interface Sample {
  readonly name: string;
  /** With CRLF line ends, as it goes over the wire. */
  readonly raw: Buffer;
}
export interface Sent extends Sample {
  readonly reply: string;
  /** Of the mail when it was accepted. */
  readonly emailId: string | null;
}

const OWN = new URL('../fixtures/mail/', import.meta.url).pathname;
const CORPORA = process.env['MAIL_CORPUS_DIR'] ?? new URL('../../../shared/corpora', import.meta.url).pathname;

/** LF-only and CR-only files take CRLF line ends, as the client that sent them would have written. */
const samplesOf = (folder: string): readonly Sample[] => {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && /\.(eml|txt)$/.test(file.name))
      .map((file) => join(file.parentPath, file.name))
      .toSorted()
      .map((name) => ({ name, raw: wire(Buffer.from(readFileSync(name, 'latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')) }));
  } catch {
    return [];
  }
};

/** SMTP cannot carry a last line without its end. */
const wire = (raw: Buffer): Buffer =>
  raw.length === 0 || raw.subarray(-2).toString('latin1') === '\r\n' ? raw : Buffer.concat([raw, Buffer.from('\r\n')]);

export const ownMail = (): readonly Sample[] => samplesOf(OWN);
/** Real mail, where it lies beside the project. */
export const realMail = (): { readonly folder: string; readonly samples: readonly Sample[] } => ({
  folder: CORPORA,
  samples: samplesOf(CORPORA),
});

/** One session, one mail after another. Ends early, with what it has, when the server goes away. */
export const sendAll = async (port: number, to: string, samples: Iterable<Sample>): Promise<readonly Sent[]> => {
  const sent: Sent[] = [];
  const dialogue = await dial(port);
  try {
    await dialogue.reply();
    await dialogue.say('EHLO sender.example');
    for (const sample of samples) {
      dialogue.send(`MAIL FROM:<ada@analytical.example> SIZE=${sample.raw.length}\r\nRCPT TO:<${to}>\r\nDATA\r\n`);
      const replies = [await dialogue.reply(), await dialogue.reply(), await dialogue.reply()];
      const refusal = replies.find((reply) => /^[45]/.test(reply));
      if (refusal !== undefined) {
        sent.push({ ...sample, reply: refusal, emailId: null });
        await dialogue.say('RSET');
        continue;
      }
      dialogue.send(Buffer.from(`${sample.raw.toString('latin1').replace(/^\./gm, '..')}.\r\n`, 'latin1'));
      const reply = await dialogue.reply();
      sent.push({ ...sample, reply, emailId: /^250 2\.0\.0 Ok: queued as ([0-9a-f-]{36})$/.exec(reply)?.[1] ?? null });
    }
    dialogue.send('QUIT\r\n');
  } catch {
    // The server went away: what it had not answered was not accepted.
  } finally {
    dialogue.close();
  }
  return sent;
};

/** Over several sessions at once, as from several servers. */
export const sendOver = async (sessions: number, port: number, to: string, samples: Iterable<Sample>): Promise<readonly Sent[]> => {
  const queue = samples[Symbol.iterator]();
  // Not a `for … of` over the queue itself: a session that ends early must leave the rest to the others.
  const shared: Iterable<Sample> = { [Symbol.iterator]: () => ({ next: () => queue.next() }) };
  return (await Promise.all(Array.from({ length: sessions }, () => sendAll(port, to, shared)))).flat();
};
