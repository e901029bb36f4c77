/** slonik's own driver, with its connections watched (`silence.ts`). */
import { createPgDriverFactory } from '@slonik/pg-driver';
import { BackendTerminatedUnexpectedlyError } from 'slonik';
import type { SilenceWatch } from './silence.ts';

type DriverFactory = ReturnType<typeof createPgDriverFactory>;
type Client = Awaited<ReturnType<Awaited<ReturnType<DriverFactory>>['createClient']>>;

export const watchedDriver = (watch: SilenceWatch): DriverFactory => {
  const base = createPgDriverFactory();
  return async (configuration) => {
    const driver = await base(configuration);
    return { ...driver, createClient: async () => watched(await driver.createClient(), watch) };
  };
};

const watched = async (client: Client, watch: SilenceWatch): Promise<Client> => {
  /** Of the one who waits for an answer. */
  let giveUp: (error: Error) => void = () => undefined;
  const connection = watch.add(await processOf(client), () => {
    giveUp(new BackendTerminatedUnexpectedlyError(new Error('Connection terminated unexpectedly')));
    void client.destroy().catch(() => undefined); // it was told to go, and may be on its way
  });
  client.on('destroy', connection.ended);
  return {
    ...client,
    query: async (...asked) => {
      connection.asked();
      try {
        return await new Promise((resolve, reject) => {
          giveUp = reject;
          client.query(...asked).then(resolve, reject);
        });
      } finally {
        connection.rested();
      }
    },
  };
};

/** Of the server, behind a connection that nobody has yet. */
const processOf = async (client: Client): Promise<number> => {
  client.acquire();
  try {
    const { rows } = await client.query('select pg_backend_pid() as pid');
    await client.release();
    return Number(rows[0]?.['pid']);
  } catch (error) {
    await client.destroy();
    throw error;
  }
};
