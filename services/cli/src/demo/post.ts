/** The sample mails, sent as another mail server would send them. */
import { readFileSync } from 'node:fs';
import { EmailId } from '@tidings/contracts/ids';
import * as E from 'fp-ts/lib/Either.js';
import { createTransport } from 'nodemailer';
import type { Backbone } from './backbone.ts';
import { DemoFailed } from './failed.ts';

export interface Posted {
  /** Under which it was accepted, from the reply `250 2.0.0 Ok: queued as …`. */
  readonly emailId: EmailId;
  /** As sent, with CRLF. */
  readonly raw: Buffer;
  readonly reply: string;
}

export interface PostOffice {
  /** @throws DemoFailed when it is refused */
  readonly send: (sample: string, from: string, to: readonly string[]) => Promise<Posted>;
  readonly close: () => void;
}

/**
 * @param run makes the Message-IDs of this telling of the story its own: a mail that comes twice is filed once, and would not show again on a
 * backbone that has heard the story before
 */
export const openPostOffice = ({ smtp }: Backbone, run: string): PostOffice => {
  // The certificate is of the server's own making.
  const transport = createTransport({ ...smtp, pool: true, maxConnections: 1, tls: { rejectUnauthorized: false } });
  return {
    send: async (sample, from, to) => {
      const raw = Buffer.from(wireForm(readFileSync(new URL(`mail/${sample}`, import.meta.url), 'utf8'), run));
      const { response } = await transport.sendMail({ envelope: { from, to: [...to] }, raw }).catch((error: unknown) => {
        throw new DemoFailed(`${sample} was not accepted: ${error instanceof Error ? error.message : String(error)}`);
      });
      const emailId = EmailId.decode(/queued as (\S+)$/.exec(response)?.[1]);
      if (E.isLeft(emailId)) throw new DemoFailed(`the reply to ${sample} does not name the mail: ${response}`);
      return { emailId: emailId.right, raw, reply: response };
    },
    close: () => transport.close(),
  };
};

const wireForm = (text: string, run: string): string =>
  text.replaceAll(/<([a-z]+-\d+)@/g, (_, id: string) => `<${id}.${run}@`).replaceAll(/\r?\n/g, '\r\n');
