/** How much memory this process holds, for tests of how flat it stays. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (how?: { readonly type: 'minor' }) => void; // V8's own, behind that flag

/** Without garbage, which is also of suites that ran here before: when that is collected is not ours to say. */
export const liveBytes = (): number => {
  collectGarbage();
  collectGarbage({ type: 'minor' }); // waits for what the first lets go beside it
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
};
