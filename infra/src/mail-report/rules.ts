/**
 * How systems write bounces that know nothing of RFC 3464, or know it and were told not to use it. Rules are data: a new system is a new line here, with
 * an example of it in `mail-report.test.ts`.
 */

export interface Rule {
  readonly system: string;
  /** Where the words are looked for; the body without the copy of the original unless said. */
  readonly in?: 'subject';
  readonly words: RegExp;
}

/** Each of these makes a mail a bounce. */
export const BOUNCES: readonly Rule[] = [
  { system: 'qmail', words: /this is the .{0,60}(qmail|mail delivery|nts|message delivery).{0,60}program/i },
  { system: 'qmail', words: /I(’|')?m afraid I wasn't able to deliver your message/i },
  { system: 'exim', words: /A message that you (have )?sent could not be delivered to/i },
  { system: 'exim', words: /This message was created automatically by (the )?mail (delivery|transfer)/i },
  { system: 'postfix', words: /your message could not\s{1,20}be delivered (to one or more recipients|for)/i },
  { system: 'postfix', words: /This is the (mail system|Postfix program|\S{1,40} program) at host/i },
  { system: 'sendmail', words: /-{3,10}\s{0,3}The following addresses had (permanent|transient|delivery|fatal)/i },
  { system: 'sendmail', words: /-{3,10}\s{0,3}Transcript of session follows/i },
  { system: 'courier', words: /Your message to the following recipients cannot be delivered/i },
  { system: 'courier', words: /message has been (delayed|returned), because/i },
  { system: 'exchange', words: /did not reach the following recipient/i },
  { system: 'exchange', words: /Delivery has failed to these recipients/i },
  { system: 'exchange', words: /could(n't| not) be delivered to (the following|these|one or more) recipient/i },
  { system: 'exchange', words: /The e-?mail system was unable to deliver the message/i },
  { system: 'office365', words: /Your message (to \S{1,254}|wasn't delivered|couldn't be delivered)/i },
  { system: 'domino', words: /was not delivered to:\s/i },
  { system: 'notes', words: /-{3,10}\s{0,3}Failure Reasons/i },
  { system: 'gmail', words: /Delivery to the following recipients? (failed permanently|has been delayed)/i },
  { system: 'gmail', words: /wasn't delivered to \S{1,254} because/i },
  { system: 'google-groups', words: /We're writing to let you know that the group you tried to contact/i },
  { system: 'yahoo', words: /(we (were|are|have been) unable to|could not) deliver (your|the) (message|mail)/i },
  { system: 'mail.ru', words: /could not be delivered to .{0,40}recipients?|was undeliverable/i },
  { system: 'imail', words: /^(Unknown user|User mailbox exceeds allowed size|Delivery failed \d|undeliverable to): ?\S/im },
  { system: 'mailenable', words: /Message could not be delivered to (some|one|the)/i },
  { system: 'groupwise', words: /The message that you sent was undeliverable/i },
  { system: 'mailfoundry', words: /Unable to deliver message to:/i },
  { system: 'mcafee', words: /-{3,10}\s{0,3}The following addresses had delivery problems/i },
  { system: 'messaging-server', words: /This report relates to a message you sent/i },
  { system: 'mimecast', words: /message (you sent )?(could not|cannot) be delivered/i },
  { system: 'opensmtpd', words: /unable to deliver your message|has been unable to deliver/i },
  { system: 'james', words: /I've given up\.|given up on (it|delivering)|We have given up/i },
  { system: 'surfcontrol', words: /Your message could not be sent/i },
  { system: 'v5sendmail', words: /-{3,10}\s{0,3}Unsent message follows/i },
  { system: 'x.400', words: /Unable to deliver message to the following (recipient|address)/i },
  { system: 'vtext', words: /^Error: Invalid user address/im },
  { system: 'x6', words: /We had trouble delivering your message/i },
  { system: 'dragonfly', words: /This is the DragonFly Mail Agent/i },
  {
    system: 'any',
    words: /The following (recipient|address|user)(\(?s\)?|es)? .{0,60}(fail|undeliver|not be (delivered|reached)|unable)/i,
  },
  { system: 'any', words: /delivery (attempts? )?(to .{1,254} )?(has )?(permanently )?failed/i },
  { system: 'any', words: /^.{0,40}(550|551|552|553|554)[ -]5\.\d{1,3}\.\d{1,3}[ :]/im },
  { system: 'any', in: 'subject', words: /^(Re: )?(mail )?deliver(y|ing) (fail|notification|problem|error|delay|status|report)/i },
  { system: 'any', in: 'subject', words: /^(mail |message )?(failure notice|failure delivery|system error)/i },
  {
    system: 'any',
    in: 'subject',
    words: /^(\[?(undeliver(able|ed)|non ?remis|unzustellbar|niet bestelbaar|onbestelbaar|no se puede entregar|non recapitabile)\b)/i,
  },
  {
    system: 'any',
    in: 'subject',
    words: /returned mail|returning message to sender|returned to sender|could not be delivered|message undeliverable/i,
  },
];

/** It is still being tried (RFC 3464 §2.3.3, `delayed`); everything else that is a bounce is one for good. */
export const DELAYS: readonly RegExp[] = [
  /this is a warning message only/i,
  /you do not need to resend/i,
  /no action is required on your part/i,
  /delivery attempts will continue/i,
  /(will|we'll|I will|we will) (keep|continue) (trying|to try)/i,
  /message (still undelivered|is delayed|has been delayed|delayed)/i,
  /has been delayed|delivery (to .{1,254} )?(is|was) delayed/i,
  /transient non-fatal errors/i,
  /will be re-?(tried|attempted)|will retry/i,
  /has not (yet )?been delivered/i,
];

/** Behind these stands a copy of the original, whose words are not the bounce's. */
export const COPIES: readonly RegExp[] = [
  /^-{1,10} ?(Below this line is|This is) a copy of (the|your) (message|mail)/im,
  /^-{1,10} ?(The )?(original message|your message|returned message|undelivered message|unsent message|message header|message text)/im,
  /^-{2,20} ?(original message|returned message|unsent message|message header|failed message|transcript of message) ?(follows)?/im,
  /^(The )?(original message|your original message|message headers?|headers of the original) (follows|is (included|attached)|below)/im,
  /^Original message follows/im,
  /^Content-Type: message\/rfc822/im,
  /^(Return-Path|Received): .{1,400}\n(\s.{0,400}\n|[\w-]{1,60}: .{0,400}\n){2}/im,
];

/** What reasons mean, where no code says it (RFC 3463). The first that fits counts. */
export const REASONS: readonly { readonly code: string; readonly words: RegExp }[] = [
  {
    code: '5.2.2',
    words: /(mailbox|quota|storage|account) (is |was )?(over|full|exceed)|over ?quota|exceeds? .{0,30}(quota|size|limit)|mailbox size/i,
  },
  {
    code: '5.1.1',
    words:
      /(user|recipient|mailbox|address|account|name) (is )?(unknown|not (found|known|recogni[sz]ed|listed|exist)|does ?n[o']t exist|invalid)|unknown (user|recipient|address|local)|no such (user|recipient|mailbox|address|person)|user not (found|listed)|not listed in/i,
  },
  { code: '5.2.1', words: /(account|mailbox|user) (is |has been )?(disabled|inactive|suspended|deactivated|unavailable)/i },
  {
    code: '5.1.2',
    words:
      /(host|domain) (name )?(is )?(unknown|not found|does ?n[o']t exist)|unrouteable|unknown host|name service error|couldn't find any host/i,
  },
  { code: '5.3.4', words: /(message|mail).{0,20}(too (large|big|long)|exceeds)/i },
  { code: '5.7.1', words: /spam|blocked|black ?list|not (allowed|permitted|authori[sz]ed)|relay(ing)? (denied|not)|rejected|refused/i },
  { code: '4.4.1', words: /(connection|operation) (timed out|refused)|no (route|answer)|timed? ?out|not responding|retry time/i },
];
