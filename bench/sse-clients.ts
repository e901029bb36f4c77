/** Opens many event streams over plain sockets and holds them; tells its parent how many were answered with 200. */
import { connect } from 'node:net';

interface Order {
  readonly url: string;
  readonly token: string;
  readonly connections: number;
}

const AT_ONCE = 100;

const open = (order: Order): Promise<boolean> =>
  new Promise((resolve) => {
    const url = new URL(order.url);
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(
        `GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${order.token}\r\naccept: text/event-stream\r\n\r\n`,
      );
    });
    let answered = false;
    socket.on('data', (chunk) => {
      if (answered) return; // heartbeats
      answered = true;
      resolve(chunk.toString('latin1').startsWith('HTTP/1.1 200'));
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });

process.once('message', (order: Order) => {
  const work = async (): Promise<void> => {
    let open200 = 0;
    for (let begun = 0; begun < order.connections; begun += AT_ONCE) {
      const answers = await Promise.all(Array.from({ length: Math.min(AT_ONCE, order.connections - begun) }, () => open(order)));
      open200 += answers.filter(Boolean).length;
    }
    process.send?.(open200);
  };
  void work();
});
