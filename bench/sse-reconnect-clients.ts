/** The crowd of `sse-reconnect`, in a process of its own. */
import { comeBackAll, type Crowd } from '../services/sse/src/testing/reconnecting.ts';

process.once('message', (crowd: Crowd) => {
  void comeBackAll(crowd).then((outcome) => process.send?.(outcome));
});
