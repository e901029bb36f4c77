/** A report about TLS as a mail (RFC 8460 §5.3). */
import { fileNameOf, type ReportAbout } from '@tidings/infra/tls-report/report';
import MimeNode from 'nodemailer/lib/mime-node';

export interface ReportMail extends ReportAbout {
  /** Of the one who reports, as a server. */
  readonly host: string;
  readonly to: string;
  /** The report, compressed by gzip. */
  readonly body: Buffer;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export const composeReport = (report: ReportMail): Promise<Buffer> => {
  const { domain, day, reportId, organization, contact, host, to, body, now } = report;
  const root = new MimeNode('multipart/report; report-type=tlsrpt', { newline: 'windows' });
  root.setHeader('From', contact);
  root.setHeader('To', to);
  root.setHeader('Subject', `Report Domain: ${domain} Submitter: ${host} Report-ID: <${reportId}>`);
  root.setHeader('Date', new Date(now).toUTCString().replace('GMT', '+0000'));
  root.setHeader('Message-ID', `<${reportId}>`);
  root.setHeader('TLS-Report-Domain', domain);
  root.setHeader('TLS-Report-Submitter', host);
  root.setHeader('TLS-Required', 'No'); // RFC 8689 §3: it may be about TLS that does not work
  root.setHeader('Auto-Submitted', 'auto-generated');
  root
    .createChild('text/plain; charset=utf-8')
    .setContent(`How TLS went in sessions of ${organization} with the mail servers of ${domain} on ${day} (UTC).\r\n`);
  root
    .createChild('application/tlsrpt+gzip', { filename: fileNameOf(host, report) })
    .setHeader('Content-Disposition', 'attachment')
    .setContent(body);
  return root.build();
};
