/** A running program with people who have mail, for suites about what a team does with it: real tokens, real SMTP, real HTTP. */
import type { Email, Mailbox, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { expect, vi } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { startIssuer, type TestIssuer } from '../kit/issuer.ts';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { sharedProgram } from '../kit/shared-program.ts';

export type Refusal = readonly [status: number, code: string, ...paths: string[]];

export interface MailClient {
  readonly id: string;
  readonly token: string;
  readonly call: (method: string, path: string, body?: object, headers?: Record<string, string>) => Promise<Response>;
  /** The JSON of a 200; undefined for one without a body. */
  readonly ask: <A>(method: string, path: string, body?: object, headers?: Record<string, string>) => Promise<A>;
  /** Status, code and the fields at fault. */
  readonly refused: (method: string, path: string, body?: object) => Promise<Refusal>;
  readonly status: (method: string, path: string, body?: object) => Promise<number>;
}

/** People beside a program that others use too. */
export interface SharedMailTown<Name extends string> {
  readonly program: ReachableProgram;
  readonly as: Readonly<Record<Name, MailClient>>;
  /** A domain admin, who is in no mailbox but their own. */
  readonly admin: MailClient;
  /** A shared mailbox `name@tidings.test` with these roles, opened by `admin`, who is not in it. */
  readonly openShared: (name: string, roles: Partial<Record<Name, string>>) => Promise<string>;
  /** One mail by SMTP, as `reader` can read it once it is filed and its thread knows. */
  readonly send: (reader: Name, mail: SendMailOptions) => Promise<Email>;
  /** What someone is told from now on. */
  readonly listen: (name: Name) => Promise<Listening>;
}

export interface MailTown<Name extends string> extends SharedMailTown<Name> {
  readonly program: Program;
  /** Kills all of the program as a power cut would, and starts it again on its data. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const forbidden: Refusal = [403, 'INSUFFICIENT_PERMISSIONS'];
export const missing: Refusal = [404, 'CONTENT_NOT_FOUND'];
export const conflict: Refusal = [409, 'CONFLICT'];
export const invalid = (...paths: string[]): Refusal => [400, 'VALIDATION_ERROR', ...paths];

export const openMailTown = async <Name extends string>(
  names: readonly Name[],
  env: Readonly<Record<string, string>> = {},
  /** Of people who have their mail elsewhere; all others have it here. */
  addresses: Readonly<Partial<Record<string, string>>> = {},
  { restarts = false }: { readonly restarts?: boolean } = {},
): Promise<MailTown<Name>> => {
  const issuer = await startIssuer();
  const given = { env: { OIDC_ISSUER: issuer.url, ...env }, ownPostgres: restarts };
  let program = await startProgram(given);
  const { dataDir } = program;
  const town = await settle(
    () => program,
    issuer,
    names,
    (name) => addresses[name] ?? `${name}@tidings.test`,
  );
  return {
    ...town,
    get program() {
      return program;
    },
    restart: async () => {
      if (!restarts) throw new Error('a town that is to be started again says so when it is opened');
      await program.kill9();
      program = await startProgram({ ...given, dataDir });
    },
    close: async () => {
      await program.stop();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      await issuer.close();
    },
  };
};

/** In the program that suites share: nobody's address is their bare name, and shared mailboxes are to have names that no other suite gives. */
export const joinMailTown = async <Name extends string>(names: readonly Name[]): Promise<SharedMailTown<Name>> => {
  const { program, issuer } = await sharedProgram();
  const quarter = randomUUID().slice(0, 8);
  return {
    program,
    ...(await settle(
      () => program,
      issuer,
      names,
      (name) => `${name}.${quarter}@tidings.test`,
    )),
  };
};

/** A whole message by the API, in the name of `sender`, from the team's address. @returns its email's id */
export const submitMessage = async (
  { program }: Pick<SharedMailTown<string>, 'program'>,
  sender: MailClient,
  mailbox: string,
  subject: string,
  recipients: readonly string[],
): Promise<string> => {
  const answer = await fetch(`${program.httpUrl}/api/mailboxes/${mailbox}/submit`, {
    method: 'POST',
    body: `From: team@tidings.test\r\nTo: ${recipients.join(', ')}\r\nSubject: ${subject}\r\n\r\nHello\r\n`,
    headers: { authorization: `Bearer ${sender.token}`, 'content-type': 'message/rfc822', 'x-rcpt-to': recipients.join(', ') },
  });
  const said = await answer.text();
  expect([answer.status, answer.status === 202 ? '' : said]).toEqual([202, '']);
  return (JSON.parse(said) as { readonly emailId: string }).emailId; // the contract of the route
};

const settle = async <Name extends string>(
  /** As it is now: it may be started again. */
  program: () => ReachableProgram,
  issuer: TestIssuer,
  names: readonly Name[],
  addressOf: (name: string) => string,
): Promise<Omit<SharedMailTown<Name>, 'program'>> => {
  const clientOf = async (name: string, roles: readonly string[]): Promise<MailClient> => {
    const address = addressOf(name);
    const token = await issuer.token({ sub: randomUUID(), name, email: address, email_verified: true, roles });
    const call: MailClient['call'] = async (method, path, body, headers = {}) =>
      fetch(`${program().httpUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const ask: MailClient['ask'] = async <A>(...request: Parameters<typeof call>) => {
      const response = await call(...request);
      const text = await response.text();
      expect([...request.slice(0, 2), response.status, response.status === 200 ? '' : text]).toEqual([...request.slice(0, 2), 200, '']);
      return (text === '' ? undefined : JSON.parse(text)) as A; // the contract of the route
    };
    // Whoever is new gets a mailbox where the domain is ours; with many beside them it may come after the first answer.
    const me = await vi.waitFor(async () => {
      const seen = await ask<Me>('GET', '/api/me');
      if (address.endsWith('@tidings.test') && seen.mailboxes.length === 0) throw new Error(`${name} has no mailbox yet`);
      return seen;
    }, 20_000);
    return {
      id: me.user.id,
      token,
      call,
      ask,
      status: async (...request) => (await call(...request)).status,
      refused: async (...request) => {
        const response = await call(...request);
        const problem = (await response.json()) as Problem; // every error has this body
        return [response.status, problem.code, ...(problem.errors ?? []).map(({ path }) => path)];
      },
    };
  };

  const admin = await clientOf('domain-admin', ['tidings-admin']);
  const clients = await Promise.all(names.map(async (name) => [name, await clientOf(name, [])] as const));
  const as = Object.fromEntries(clients) as Record<Name, MailClient>; // one entry per name

  return {
    as,
    admin,
    openShared: async (name, roles) => {
      const members = (Object.entries(roles) as [Name, string][]).map(([who, role]) => ({ userId: as[who].id, role }));
      const owner = members.some(({ role }) => role === 'admin') ? [] : [{ userId: admin.id, role: 'admin' }];
      const body = { kind: 'shared', address: `${name}@tidings.test`, name, members: [...members, ...owner] };
      return (await admin.ask<Mailbox>('POST', '/api/mailboxes', body)).id;
    },
    send: async (reader, mail) => {
      const { ask, status } = as[reader];
      const transport = createTransport({ host: '127.0.0.1', port: program().smtpPort, tls: { rejectUnauthorized: false } });
      const { response } = await transport.sendMail({ from: 'Ann Other <ann@elsewhere.test>', ...mail });
      transport.close();
      const id = /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
      const soon = { timeout: 20_000, interval: 20 };
      await vi.waitFor(async () => expect(await status('GET', `/api/emails/${id}`)).toBe(200), soon);
      const email = await ask<Email>('GET', `/api/emails/${id}`);
      const thread = `/api/threads/${email.threadId}?mailboxId=${email.mailboxId}`;
      await vi.waitFor(async () => expect(await status('GET', thread)).toBe(200), soon);
      // Emails and threads are read models of their own: the thread may know the mails before this one only.
      const { length } = (await ask<MailPage<Email>>('GET', `/api/threads/${email.threadId}/messages?mailboxId=${email.mailboxId}`))
        .content;
      await vi.waitFor(async () => expect((await ask<Thread>('GET', thread)).messageCount).toBeGreaterThanOrEqual(length), soon);
      return email;
    },
    listen: (name) => Listening.open(program().httpUrl, as[name].token),
  };
};
