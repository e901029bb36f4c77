/** `tidings filing …`: mail that could not be filed. Safe beside a Tidings that runs, which does the work. */
import { decode } from '@tidings/contracts/codec';
import { EmailId } from '@tidings/contracts/ids';
import { mailsSetAside, tryAgain } from '@tidings/infra/pending-mail/set-aside';
import { openPool } from '@tidings/infra/postgres/pools';
import { isRight } from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import type { Pool } from 'pg';
import type { Out } from '../out.ts';

export interface FilingContext {
  readonly databaseUrl: string;
  readonly stdout: Out;
}

const HELP = `tidings filing: mail that was taken and could not be filed for a reason of its own

  list                    what is set aside, oldest first: when, the email, its mailbox, and why
  retry <email id>        try one again, in each of its mailboxes where it is set aside
  retry --all             try all of them again
`;
const PAGE = 1_000;

/**
 * Runs one subcommand.
 * @returns the exit code: 0 done, 1 no such mail is set aside, 2 wrong arguments
 */
export const filingCommand = async (args: readonly string[], { databaseUrl, stdout }: FilingContext): Promise<number> => {
  const work = workOf(args);
  if (work === null) {
    const isAsked = args.length === 0 || args[0] === 'help';
    stdout.write(isAsked ? HELP : `there is no command "filing ${args.join(' ')}"\n\n${HELP}`);
    return isAsked ? 0 : 2;
  }
  const pool = openPool({ url: databaseUrl, name: 'tidings cli', max: 1, logger: pino({ level: 'silent' }) });
  try {
    if (await isFiledOn(pool)) return await work(pool, stdout);
    stdout.write('Nothing was filed on this database yet.\n');
    return 0;
  } finally {
    await pool.end();
  }
};

const isFiledOn = async (pool: Pool): Promise<boolean> =>
  (await pool.query<{ there: boolean }>(`select to_regclass('filing.set_aside') is not null as there`)).rows[0]?.there === true;

type Work = (pool: Pool, out: Out) => Promise<number>;

const workOf = ([command, what, ...rest]: readonly string[]): Work | null => {
  if (command === 'list' && what === undefined) return list;
  if (command !== 'retry' || what === undefined || rest.length > 0) return null;
  if (what === '--all') return retry(null);
  const id = decode(EmailId, what);
  return isRight(id) ? retry(id.right) : null;
};

const list: Work = async (pool, out) => {
  const found = await mailsSetAside(pool, PAGE + 1);
  for (const { at, emailId, mailboxId, error } of found.slice(0, PAGE)) out.write(`${at}  ${emailId}  ${mailboxId}  ${error}\n`);
  if (found.length === 0) out.write('No mail is set aside.\n');
  if (found.length > PAGE) out.write(`… and more than these ${PAGE}.\n`);
  return 0;
};

const retry =
  (emailId: EmailId | null): Work =>
  async (pool, out) => {
    const tried = await tryAgain(pool, emailId);
    out.write(
      tried === 0 ? 'No such mail is set aside.\n' : `Tried again within seconds, in ${tried} ${tried === 1 ? 'mailbox' : 'mailboxes'}.\n`,
    );
    return tried === 0 && emailId !== null ? 1 : 0;
  };
