import type { MailMapped } from '@tidings/contracts/events/gateway';
import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, conversationNo } from '../testing/people.ts';
import { mailMapped } from './events.ts';
import { mapping } from './index.ts';

const mail: MailMapped['data'] = {
  ...{ conversationId: conversationNo(1), direction: 'out', userId: alice, emailMessageId: '<1@x>', senderEmail: 'alice@example.org' },
  ...{ subjectNormalized: 'the fair', replyToToken: null, strategy: 'sent', sureness: 'certain', disagreeing: [] },
  ...{ messageId: null, mailId: null },
};

it('a mail is mapped once', () => {
  const given = specify(mapping);
  given().when({ type: 'MapMail', mail }).then(mailMapped(mail));
  given(mailMapped(mail)).when({ type: 'MapMail', mail }).thenNothing();
});
