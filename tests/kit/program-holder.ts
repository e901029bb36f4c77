/** Holds the program that suites share, in the process that outlives them all (`shared-program.ts` is how they reach it). */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LentIssuer, startIssuer } from './issuer.ts';
import { type Program, startProgram } from './program.ts';

/** What a suite may do with a program that is not its own. */
export type ReachableProgram = Pick<Program, 'httpUrl' | 'smtpPort' | 'databaseUrl' | 'running'>;

/** What a suite is told. */
export interface Told {
  readonly program: ReachableProgram;
  readonly issuer: Pick<LentIssuer, 'url' | 'privateKey'>;
}

export interface Holder {
  readonly url: string;
  /** Ends the program, if anybody asked for it. */
  readonly close: () => Promise<void>;
}

/**
 * Starts the program when the first suite asks for it. All its suites at once ask for more than people do, so it sets no limit of rate. It fetches
 * pictures from elsewhere, also from this machine: suites that show some bring them themselves, and no other does. Its second mail domain is there for
 * addresses of mailboxes that are in the first. No mailbox comes near its quota, unless it is given another.
 */
export const holdSharedProgram = async (): Promise<Holder> => {
  let held: Promise<{ readonly program: Program; readonly issuer: LentIssuer }> | null = null;
  const start = async () => {
    const issuer = await startIssuer();
    const env = {
      ...{ OIDC_ISSUER: issuer.url, PROCESSES: 'one', RATE_LIMITS: 'off', IMAGE_PROXY: 'on', WEBHOOK_ALLOW_PRIVATE: 'on' },
      ...{ MAIL_DOMAINS: 'tidings.test,second.test', MAILBOX_QUOTA_BYTES: '1000000000' },
    };
    return { issuer, program: await startProgram({ env }) };
  };
  const server = createServer((_, response) => {
    (held ??= start()).then(
      ({ program: { httpUrl, smtpPort, databaseUrl, running }, issuer: { url, privateKey } }) => {
        const told: Told = { program: { httpUrl, smtpPort, databaseUrl, running }, issuer: { url, privateKey } };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(told));
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    close: async () => {
      server.closeAllConnections();
      server.close();
      const one = await held?.catch(() => null); // whoever asked was told why it did not start
      await one?.program.stop();
      await one?.issuer.close();
    },
  };
};
