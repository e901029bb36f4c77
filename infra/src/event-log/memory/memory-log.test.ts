import { eventLogContract } from '../contract.ts';
import { openMemoryLog } from './memory-log.ts';

eventLogContract('memory', async (options) => {
  const log = openMemoryLog(options);
  return { log, close: () => log.close() };
});
