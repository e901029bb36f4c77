/** What holds for every decider there is (architecture §3). A new one is not under the laws until it stands here; the last test insists. */
import { decode } from '@tidings/contracts/codec';
import type { Decider } from '@tidings/contracts/decider';
import type { AnyEvent } from '@tidings/contracts/events/definition';
import { definitionOf } from '@tidings/contracts/events/index';
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { address } from './address/index.ts';
import { answered } from './answered/index.ts';
import { answering } from './answering/index.ts';
import { contact } from './contact/index.ts';
import { domain } from './domain/index.ts';
import { comment } from './comment/index.ts';
import { draft } from './draft/index.ts';
import { email } from './email/index.ts';
import { filing } from './filing/index.ts';
import { gatewayMail } from './gateway-mail/index.ts';
import { gateway } from './gateway/index.ts';
import { mailImport } from './import/index.ts';
import { label } from './label/index.ts';
import { mailbox } from './mailbox/index.ts';
import { mailing } from './mailing/index.ts';
import { mailClaim } from './mail-claim/index.ts';
import { mapping } from './mapping/index.ts';
import { media } from './media/index.ts';
import { message } from './message/index.ts';
import { notices } from './notices/index.ts';
import { notification } from './notification/index.ts';
import { outbound } from './outbound/index.ts';
import { push } from './push/index.ts';
import { reaction } from './reaction/index.ts';
import { readReceipt } from './read-receipt/index.ts';
import { relationship } from './relationship/index.ts';
import { report } from './report/index.ts';
import { room } from './room/index.ts';
import { events } from './testing/arbitraries.ts';
import * as commands from './testing/commands.ts';
import { template } from './template/index.ts';
import { thread } from './thread/index.ts';
import { upload } from './upload/index.ts';
import { user } from './user/index.ts';
import { webhook } from './webhook/index.ts';

/** The laws of one decider, as tests. */
const obeysTheLaws =
  <State, Command, Event extends AnyEvent, Rejection extends { readonly type: string }>(
    decider: Decider<State, Command, Event, Rejection>,
    anyCommand: Arbitrary<Command>,
  ): (() => void) =>
  () => {
    const fold = (history: readonly Event[], from: State = decider.initial): State => history.reduce(decider.evolve, from);
    const emitted = (decided: E.Either<Rejection, readonly Event[]>): readonly Event[] => (E.isRight(decided) ? decided.right : []);

    // Any event of any type, known to the decider or not: that is what the laws are about, so the cast is the point.
    const unknown = fc.record({ type: fc.string(), data: fc.object() });
    const anyHistory = fc.array(fc.oneof({ weight: 9, arbitrary: events }, unknown), { maxLength: 12 }) as Arbitrary<unknown> as Arbitrary<
      Event[]
    >;
    /** What may stand in a stream: any events at all, and behind them what commands made of it. */
    const anyLife = fc
      .tuple(fc.oneof(fc.constant([]), anyHistory), fc.array(anyCommand, { maxLength: 12 }))
      .map(([history, lived]) =>
        lived.reduce<readonly Event[]>((life, command) => [...life, ...emitted(decider.decide(command, fold(life)))], history),
      );
    const anyState = anyLife.map((life) => fold(life));

    it('the same command run again adds nothing', () => {
      fc.assert(
        fc.property(anyState, anyCommand, (state, command) => {
          const first = decider.decide(command, state);
          const again = decider.decide(command, fold(emitted(first), state));
          expect(emitted(again)).toEqual([]);
          expect(E.isLeft(first) ? again : first).toEqual(first);
        }),
      );
    });

    it('evolve takes any event in any order, and a fold can be cut anywhere', () => {
      fc.assert(
        fc.property(anyLife, anyHistory, fc.nat(), (life, more, somewhere) => {
          const all = [...life, ...more];
          const cut = somewhere % (all.length + 1);
          const halfWay = fold(all.slice(0, cut));
          const asItWas = structuredClone(halfWay);
          expect(fold(all.slice(cut), halfWay)).toEqual(fold(all));
          expect(halfWay).toEqual(asItWas);
        }),
        { numRuns: 500 },
      );
    });

    it('decide changes nothing and depends on nothing but what it is given', () => {
      fc.assert(
        fc.property(anyState, anyCommand, (state, command) => {
          const asItWas = structuredClone(state);
          const first = decider.decide(deepFreeze(command), deepFreeze(state));
          expect(decider.decide(structuredClone(command), asItWas)).toEqual(first);
          expect(state).toEqual(asItWas);
        }),
      );
    });

    it('what is decided can be stored and read back', () => {
      fc.assert(
        fc.property(anyState, anyCommand, (state, command) => {
          for (const { type, data } of emitted(decider.decide(command, state))) {
            const codec = definitionOf(type)?.data;
            expect(codec && decode(codec, JSON.parse(JSON.stringify(codec.encode(data))))).toEqual(E.right(data));
          }
        }),
      );
    });
  };

/** Maps and sets stay open, as JavaScript cannot freeze them: the comparison with a copy watches over those. */
const deepFreeze = <A>(value: A): A => {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
};

const registry: Readonly<Record<string, () => void>> = {
  address: obeysTheLaws(address, commands.addressCommands),
  answered: obeysTheLaws(answered, commands.answeredCommands),
  answering: obeysTheLaws(answering, commands.answeringCommands),
  comment: obeysTheLaws(comment, commands.commentCommands),
  contact: obeysTheLaws(contact, commands.contactCommands),
  domain: obeysTheLaws(domain, commands.domainCommands),
  draft: obeysTheLaws(draft, commands.draftCommands),
  email: obeysTheLaws(email, commands.emailCommands),
  filing: obeysTheLaws(filing, commands.filingCommands),
  gateway: obeysTheLaws(gateway, commands.gatewayCommands),
  'gateway-mail': obeysTheLaws(gatewayMail, commands.gatewayMailCommands),
  import: obeysTheLaws(mailImport, commands.importCommands),
  label: obeysTheLaws(label, commands.labelCommands),
  'mail-claim': obeysTheLaws(mailClaim, commands.mailClaimCommands),
  mailbox: obeysTheLaws(mailbox, commands.mailboxCommands),
  mailing: obeysTheLaws(mailing, commands.mailingCommands),
  mapping: obeysTheLaws(mapping, commands.mappingCommands),
  media: obeysTheLaws(media, commands.mediaCommands),
  message: obeysTheLaws(message, commands.messageCommands),
  notices: obeysTheLaws(notices, commands.noticesCommands),
  notification: obeysTheLaws(notification, commands.notificationCommands),
  outbound: obeysTheLaws(outbound, commands.outboundCommands),
  push: obeysTheLaws(push, commands.pushCommands),
  reaction: obeysTheLaws(reaction, commands.reactionCommands),
  'read-receipt': obeysTheLaws(readReceipt, commands.readReceiptCommands),
  relationship: obeysTheLaws(relationship, commands.relationshipCommands),
  report: obeysTheLaws(report, commands.reportCommands),
  room: obeysTheLaws(room, commands.roomCommands),
  template: obeysTheLaws(template, commands.templateCommands),
  thread: obeysTheLaws(thread, commands.threadCommands),
  upload: obeysTheLaws(upload, commands.uploadCommands),
  user: obeysTheLaws(user, commands.userCommands),
  webhook: obeysTheLaws(webhook, commands.webhookCommands),
};

describe.each(Object.entries(registry))('%s', (_folder, laws) => {
  laws();
});

it('every decider is under the laws', () => {
  const folders = readdirSync(import.meta.dirname).filter((folder) => existsSync(`${import.meta.dirname}/${folder}/decide.ts`));
  expect(Object.keys(registry)).toEqual(folders.sort());
});
