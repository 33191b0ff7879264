/** What the pages are made of: headings, states, amounts, who and what. */

import { Alert, Button, Empty, Modal, Skeleton, Tag, Typography } from "antd";
import { useState, type ReactNode } from "react";
import { useSay, type Say } from "../desk/say";
import { instant, yuan } from "./format";
import { href } from "../desk/route";
import { Failure, save, type Asked } from "../desk/server";
import type { Approval } from "./types";

/** A page: where we are, what can be done, and the content. */
export function Page({ title, lead, actions, children }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {lead && <p className="quiet">{lead}</p>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

export function Panel({ title, extra, children, flush }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; flush?: boolean }) {
  return (
    <section className={flush ? "panel flush" : "panel"}>
      {(title || extra) && (
        <header className="panel-head">
          <h2>{title}</h2>
          {extra}
        </header>
      )}
      {children}
    </section>
  );
}

/** What a failure means and what to do, in words. The server's own words are in English. */
export function words(failure: Failure, say: Say): string {
  if (failure.status === 0) return say("The server could not be reached. Nothing is lost: try again.", "无法连接服务器。数据未丢失，请重试。");
  if (failure.status === 403) return `${say("Your roles do not allow this.", "您的角色不允许此操作。")} ${failure.message}`;
  if (failure.status === 429) return say("Too many requests at once. Wait a moment and try again.", "请求过于频繁，请稍后再试。");
  if (failure.unanswered) return `${say("No answer yet. Try again: nothing happens twice.", "暂无答复。请重试，不会重复执行。")} ${failure.message}`;
  return failure.message;
}

export function Failed({ failure, again }: { failure: Failure; again?: () => void }) {
  const say = useSay();
  return (
    <Alert type="error" showIcon className="failed" title={words(failure, say)} description={<code>{failure.code}</code>}
      action={again && <Button size="small" onClick={again}>{say("Try again", "重试")}</Button>} />
  );
}

/** Shows an answer, or that it is on its way, or why it is not there. */
export function Shown<T>({ asked, children, rows = 6 }: { asked: Asked<T>; children: (data: T) => ReactNode; rows?: number }) {
  if (asked.failure && asked.data === undefined) return <Failed failure={asked.failure} again={asked.again} />;
  if (asked.data === undefined) return <Skeleton active title={false} paragraph={{ rows }} />;
  return <>{children(asked.data)}</>;
}

export function Nothing({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={children}>{action}</Empty>;
}

export function Amount({ fen, sign }: { fen: number; sign?: boolean }) {
  const tone = sign ? (fen < 0 ? "amount loss" : "amount gain") : "amount";
  return <span className={tone}>{sign && fen > 0 ? "+" : ""}{yuan(fen)}</span>;
}

export function At({ time }: { time?: string | null }) {
  return time ? <time dateTime={time} className="at">{instant(time)}</time> : <span>–</span>;
}

const TONES: Record<string, string> = {
  active: "success", running: "success", paid: "success", done: "success", approved: "processing", open: "processing", new: "processing",
  pending: "processing", waiting: "processing", draft: "default", paused: "warning", frozen: "warning", unknown: "warning", ended: "default",
  closed: "default", expired: "default", reversed: "warning", rejected: "error", dead: "error", failed: "error", declined: "error",
};

function statusWord(status: string, say: Say): string {
  const known: Record<string, string> = {
    active: say("Active", "正常"), running: say("Running", "进行中"), paid: say("Paid", "已支付"), done: say("Done", "完成"),
    approved: say("Approved", "已批准"), open: say("Open", "待处理"), new: say("New", "新申请"), pending: say("Pending", "处理中"),
    waiting: say("Waiting", "等待中"), draft: say("Draft", "草稿"), paused: say("Paused", "已暂停"), frozen: say("Frozen", "已冻结"),
    unknown: say("Unknown", "未知"), ended: say("Ended", "已结束"), closed: say("Closed", "已关闭"), expired: say("Expired", "已过期"),
    reversed: say("Reversed", "已撤销"), rejected: say("Rejected", "已拒绝"), dead: say("Given up", "已放弃"), failed: say("Failed", "失败"),
    declined: say("Declined", "已拒绝"), reviewing: say("In review", "审核中"),
  };
  return known[status] ?? status;
}

export function Status({ of }: { of: string }) {
  const say = useSay();
  return <Tag color={TONES[of] ?? "default"}>{statusWord(of, say)}</Tag>;
}

/** An id, linked to its page where it has one. */
export function Ref({ id, children }: { id?: string | null; children?: ReactNode }) {
  if (!id) return <span>–</span>;
  const pages: Record<string, string[]> = { mch: ["merchants"], usr: ["users"], cmp: ["campaigns"], ord: ["ledger", "orders"] };
  const page = pages[id.split("_")[0] ?? ""];
  const shown = children ?? <code>{id}</code>;
  return page ? <a href={href(...page, id)}>{shown}</a> : <>{shown}</>;
}

/** An account's entries, where the id names one account and not many. */
export function AccountLink({ id, children }: { id: string; children?: ReactNode }) {
  return /-\d+$/.test(id) ? <a href={href("ledger", "accounts", id)}>{children ?? id}</a> : <>{children ?? id}</>;
}

/** Says that a second operator has to agree to what was asked. */
export function Waits({ approval, onClose }: { approval: Approval; onClose?: () => void }) {
  const say = useSay();
  return (
    <Alert type="info" showIcon className="failed" closable={onClose && { onClose }} title={say(`It waits for a second operator: ${approval.words}, ${yuan(approval.amount)}.`, `待第二位操作员批准：${approval.words}，${yuan(approval.amount)}。`)}
      description={<a href={href("approvals")}>{say("To the approvals", "前往审批")}</a>} />
  );
}

/** What is answered where a second operator may have to agree. */
export function waiting(answer: object): answer is Approval {
  return "id" in answer && String(answer.id).startsWith("apv_");
}

/** A button that saves a table as CSV. */
export function Csv({ path, name }: { path: string; name: string }) {
  const say = useSay();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  async function get() {
    setBusy(true);
    setFailed(false);
    await save(path, name).catch(() => setFailed(true));
    setBusy(false);
  }
  return <Button size="small" danger={failed} loading={busy} onClick={() => void get()}>{failed ? say("CSV: try again", "CSV：重试") : "CSV"}</Button>;
}

/** What is told once: a key with a button that copies it. */
export function Secret({ label, value, name }: { label: string; value: string; name?: string }) {
  const say = useSay();
  const file = name && new Blob([value], { type: "text/plain" });
  function download() {
    if (!file || !name) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }
  return (
    <div className="secret">
      <div className="secret-head">
        <strong>{label}</strong>
        <span>
          {file && <Button size="small" type="text" onClick={download}>{say("Save as file", "保存为文件")}</Button>}
          <Typography.Text copyable={{ text: value, tooltips: [say("Copy", "复制"), say("Copied", "已复制")] }} />
        </span>
      </div>
      <pre tabIndex={0} aria-label={label}>{value}</pre>
    </div>
  );
}

interface ConfirmProps {
  open: boolean;
  title: string;
  children: ReactNode;
  ok: string;
  danger?: boolean;
  busy: boolean;
  failure?: Failure;
  disabled?: boolean;
  onOk: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone, and stays open when it fails. */
export function Confirm({ open, title, children, ok, danger, busy, failure, disabled, onOk, onClose }: ConfirmProps) {
  const say = useSay();
  return (
    <Modal open={open} title={title} onCancel={busy ? undefined : onClose} onOk={onOk} okText={ok} cancelText={say("Cancel", "取消")}
      confirmLoading={busy} okButtonProps={{ danger, disabled }} mask={{ closable: false }} destroyOnHidden>
      {children}
      {failure && <Failed failure={failure} />}
    </Modal>
  );
}

/** Opens and closes something, and keeps what it is about. */
export function useOpen<T = true>() {
  const [about, setAbout] = useState<T>();
  return { about, open: about !== undefined, show: (next: T) => setAbout(() => next), close: () => setAbout(undefined) };
}
