/**
 * Not KurrentDB: a server in this process that speaks its wire protocol, made from the service definitions that its client ships. It keeps records in
 * memory and does what the server's `IndexWriter.CheckCommit` does about revisions and ids. For what no real server does on command: losing answers,
 * breaking the shared stream of appends, dropping subscriptions, changing the leader. Whether a real server is as we think is tested on a real one.
 */
import { randomUUID } from 'node:crypto';
import { Metadata, Server, ServerCredentials, status, type ServerDuplexStream, type ServerWritableStream } from '@grpc/grpc-js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import featuresPb, { type SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb, {
  type BatchAppendReq,
  type BatchAppendResp,
  type ReadReq,
  type ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';

/** CommonJS whose names Node cannot tell beforehand. */
const pb = { ...featuresPb, ...sharedPb, ...statusPb, ...streamsPb, ...anyPb };

interface Stored {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly at: bigint;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly created: bigint;
}

/** What becomes of an append, instead of being done and answered. */
export type Fault = 'answer-lost' | 'stream-breaks-before' | 'silence' | 'server-full';

/** What all nodes of one cluster hold. */
export class Records {
  readonly all: Stored[] = [];
  readonly streams = new Map<string, Stored[]>();
  readonly changed = new Set<() => void>();

  /** @returns the last record; or null for the wrong revision */
  append(
    stream: string,
    expected: number | null,
    proposed: readonly Pick<Stored, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>[],
  ): Stored | null {
    const held = this.streams.get(stream) ?? [];
    if (expected !== null && expected !== held.length - 1) {
      const same = proposed.every(({ id }, at) => held[expected + 1 + at]?.id === id);
      return same ? (held[expected + proposed.length] ?? null) : null;
    }
    for (const record of proposed) {
      // Positions are places in a file: they leave gaps.
      const at = (this.all.at(-1)?.at ?? 4_000n) + 150n + BigInt(record.data.byteLength);
      const stored: Stored = { ...record, stream, revision: held.length, at, created: BigInt(Date.now()) * 10_000n };
      this.all.push(stored);
      held.push(stored);
    }
    this.streams.set(stream, held);
    for (const tell of this.changed) tell();
    return held.at(-1) ?? null;
  }

  /** As the server does by itself, every now and then. */
  statistics(): void {
    this.append('$stats-127.0.0.1:2113', null, [
      { id: randomUUID(), type: '$statsCollected', contentType: 'application/json', data: Buffer.from('{}'), metadata: Buffer.from('') },
    ]);
  }
}

export class KurrentProtocolServer {
  readonly #records: Records;
  readonly #server = new Server();
  readonly #faults: Fault[] = [];
  readonly #subscriptions = new Set<ServerWritableStream<ReadReq, ReadResp>>();
  /** Appends that came in, also those that were answered with a fault. */
  appends = 0;
  /** Reads of `$all` that began where no record stands: a real server does not promise what it gives then. */
  misplacedReads = 0;
  /** Who leads instead of this node. */
  leader: KurrentProtocolServer | null = null;
  port = 0;

  constructor(records = new Records()) {
    this.#records = records;
    this.#server.addService(ServerFeaturesService, {
      getSupportedMethods: (_: unknown, answer: (error: null, methods: SupportedMethods) => void) => answer(null, supported()),
    });
    this.#server.addService(StreamsService, {
      read: (call: ServerWritableStream<ReadReq, ReadResp>) => this.#read(call),
      batchAppend: (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>) => this.#batchAppend(call),
    });
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  get records(): Records {
    return this.#records;
  }

  /** @param port 0: a free one */
  async listen(port = 0): Promise<void> {
    this.port = await new Promise((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  }

  /** At once, whoever is connected. */
  stop(): void {
    this.#server.forceShutdown();
  }

  /** For the next appends, one after the other. */
  fail(...faults: readonly Fault[]): void {
    this.#faults.push(...faults);
  }

  heal(): void {
    this.#faults.length = 0;
  }

  /** As a server does with a consumer that is too slow. @returns how many */
  dropSubscriptions(): number {
    const dropped = [...this.#subscriptions];
    for (const call of dropped) call.emit('error', { code: status.ABORTED, details: 'consumer too slow' });
    this.#subscriptions.clear();
    return dropped.length;
  }

  /** Checkpoints beyond everything that is there, as KurrentDB 25.0.0 could send them. */
  misplaceCheckpoints(): void {
    const checkpoint = new pb.ReadResp.Checkpoint();
    checkpoint.setCommitPosition('9000000000000000').setPreparePosition('9000000000000000');
    const answer = new pb.ReadResp();
    answer.setCheckpoint(checkpoint);
    for (const call of this.#subscriptions) call.write(answer);
  }

  #batchAppend(call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void {
    const gathered = new Map<string, BatchAppendReq[]>();
    call.on('error', () => undefined); // a client that goes away
    call.on('data', (request: BatchAppendReq) => {
      const correlation = request.getCorrelationId()?.getString() ?? '';
      const parts = [...(gathered.get(correlation) ?? []), request];
      gathered.set(correlation, parts);
      if (!request.getIsFinal()) return;
      gathered.delete(correlation);
      this.#answer(call, correlation, parts);
    });
    call.on('end', () => call.end());
  }

  #answer(call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>, correlation: string, parts: readonly BatchAppendReq[]): void {
    this.appends += 1;
    if (this.leader !== null) return void call.emit('error', notLeader(this.leader.port));
    const fault = this.#faults.shift();
    const options = parts[0]?.getOptions();
    if (fault === 'stream-breaks-before') return void call.emit('error', { code: status.UNAVAILABLE, details: 'the stream broke' });
    const stream = Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
    const expected =
      options?.hasNoStream() === true ? -1 : options?.hasStreamPosition() === true ? Number(options.getStreamPosition()) : null;
    const answer = new pb.BatchAppendResp();
    answer
      .setCorrelationId(new pb.UUID().setString(correlation))
      .setStreamIdentifier(new pb.StreamIdentifier().setStreamName(Buffer.from(stream)));
    if (fault === 'server-full') {
      const full = new pb.Any();
      full.pack(new Uint8Array(0), 'event_store.client.Timeout');
      answer.setError(new pb.Status().setDetails(full));
      return void call.write(answer);
    }
    const last = this.#records.append(
      stream,
      expected,
      parts
        .flatMap((part) => part.getProposedMessagesList())
        .map((message) => ({
          id: message.getId()?.getString() ?? '',
          type: message.getMetadataMap().get('type') ?? '',
          contentType: message.getMetadataMap().get('content-type') ?? '',
          data: message.getData_asU8(),
          metadata: message.getCustomMetadata_asU8(),
        })),
    );
    if (fault === 'silence') return;
    if (fault === 'answer-lost') return void call.emit('error', { code: status.UNAVAILABLE, details: 'the line broke' });
    if (last === null) {
      const wrong = new pb.WrongExpectedVersion();
      const current = (this.#records.streams.get(stream)?.length ?? 0) - 1;
      if (current >= 0) wrong.setCurrentStreamRevision(String(current));
      const details = new pb.Any();
      details.pack(wrong.serializeBinary(), 'event_store.client.WrongExpectedVersion');
      answer.setError(new pb.Status().setDetails(details));
    } else {
      const position = new pb.AllStreamPosition().setCommitPosition(String(last.at)).setPreparePosition(String(last.at));
      answer.setSuccess(new pb.BatchAppendResp.Success().setCurrentRevision(String(last.revision)).setPosition(position));
    }
    call.write(answer);
  }

  #read(call: ServerWritableStream<ReadReq, ReadResp>): void {
    const options = call.request.getOptions();
    if (options === undefined) return void call.end();
    call.on('error', () => undefined); // a client that goes away
    if (this.leader !== null && call.metadata.get('requires-leader').length > 0)
      return void call.emit('error', notLeader(this.leader.port));
    if (options.hasSubscription()) return this.#subscribe(call);
    const backwards = options.getReadDirection() === pb.ReadReq.Options.ReadDirection.BACKWARDS;
    const limit = Number(options.getCount());
    const wanted = options.hasStream() ? this.#ofStream(options, backwards) : this.#ofAll(options, backwards);
    if (wanted === null) {
      const missing = new pb.ReadResp();
      missing.setStreamNotFound(new pb.ReadResp.StreamNotFound().setStreamIdentifier(options.getStream()?.getStreamIdentifier()));
      call.write(missing);
    } else for (const record of wanted.slice(0, limit)) call.write(eventOf(record));
    call.end();
  }

  #ofStream(options: ReadReq.Options, backwards: boolean): readonly Stored[] | null {
    const asked = options.getStream();
    const held = this.#records.streams.get(Buffer.from(asked?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString());
    if (held === undefined) return null;
    if (backwards) return held.toReversed();
    return held.slice(asked?.hasRevision() === true ? Number(asked.getRevision()) : 0);
  }

  #ofAll(options: ReadReq.Options, backwards: boolean): readonly Stored[] {
    if (backwards) return this.#records.all.toReversed();
    const from = BigInt(options.getAll()?.getPosition()?.getCommitPosition() ?? '0');
    // By halves: a scan for each page would make a long log quadratic.
    const { all } = this.#records;
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((all[middle]?.at ?? 0n) < from) low = middle + 1;
      else high = middle;
    }
    if (from > 0n && all[low]?.at !== from) this.misplacedReads += 1;
    return all.slice(low, low + Number(options.getCount()));
  }

  #subscribe(call: ServerWritableStream<ReadReq, ReadResp>): void {
    let sent = this.#records.all.length;
    const confirmation = new pb.ReadResp();
    confirmation.setConfirmation(new pb.ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID()));
    call.write(confirmation);
    const caughtUp = new pb.ReadResp();
    caughtUp.setCaughtUp(new pb.ReadResp.CaughtUp());
    call.write(caughtUp);
    this.#subscriptions.add(call);
    const tell = (): void => {
      for (; sent < this.#records.all.length; sent += 1) {
        const record = this.#records.all[sent];
        if (record !== undefined && !record.type.startsWith('$')) call.write(eventOf(record));
      }
    };
    this.#records.changed.add(tell);
    const end = (): void => {
      this.#records.changed.delete(tell);
      this.#subscriptions.delete(call);
    };
    call.on('cancelled', end).on('error', end).on('close', end);
  }
}

const eventOf = (record: Stored): ReadResp => {
  const event = new pb.ReadResp.ReadEvent.RecordedEvent();
  event
    .setId(new pb.UUID().setString(record.id))
    .setStreamIdentifier(new pb.StreamIdentifier().setStreamName(Buffer.from(record.stream)))
    .setStreamRevision(String(record.revision))
    .setCommitPosition(String(record.at))
    .setPreparePosition(String(record.at))
    .setData(record.data)
    .setCustomMetadata(record.metadata);
  event.getMetadataMap().set('type', record.type).set('content-type', record.contentType).set('created', String(record.created));
  const answer = new pb.ReadResp();
  answer.setEvent(new pb.ReadResp.ReadEvent().setEvent(event).setCommitPosition(String(record.at)));
  return answer;
};

const notLeader = (port: number): object => {
  const metadata = new Metadata();
  metadata.set('exception', 'not-leader');
  metadata.set('leader-endpoint-host', '127.0.0.1');
  metadata.set('leader-endpoint-port', String(port));
  return { code: status.NOT_FOUND, details: 'another node leads', metadata };
};

const supported = (): SupportedMethods => {
  const method = new pb.SupportedMethod();
  method.setServiceName('event_store.client.streams.Streams').setMethodName('batchAppend');
  const methods = new pb.SupportedMethods();
  methods.setEventStoreServerVersion('protocol').addMethods(method);
  return methods;
};
