// A running job is watched, a timeline leads into its video, people are named in place.
import { failureNode, postForFragment, Refusal } from "./http.js";

const POLL_MS = 1000;

export function setUpJob(root) {
  const bar = root.querySelector("[data-job-bar]");
  const text = root.querySelector("[data-job-text]");

  async function look() {
    try {
      const answer = await fetch(`/api/v1/jobs/${root.dataset.job}`);
      if (answer.status === 404 || answer.status === 401) return location.reload();
      const job = await answer.json();
      if (job.ended) return location.reload();
      if (job.progress.share === null) bar.removeAttribute("value");
      else bar.value = job.progress.share;
      if (job.progress.text && job.progress.text !== text.textContent) text.textContent = job.progress.text;
    } catch {
      text.textContent = "The server does not answer. Is it still running?";
    }
    setTimeout(look, POLL_MS);
  }
  setTimeout(look, POLL_MS);
}

export function setUpJobList(root) {
  async function look() {
    try {
      const { jobs } = await (await fetch("/api/v1/jobs")).json();
      for (const job of jobs) {
        const card = root.querySelector(`[data-job-card="${job.job_id}"]`);
        if (!card) continue;
        if (job.ended || job.state !== card.dataset.state) return location.reload();
        if (job.progress.share !== null) card.querySelector("[data-job-bar]").value = job.progress.share;
        card.querySelector("[data-job-text]").textContent = job.progress.text;
      }
    } catch {
      // The next look may find the server again.
    }
    setTimeout(look, 2 * POLL_MS);
  }
  setTimeout(look, 2 * POLL_MS);
}

export function setUpTimeline(root) {
  const player = document.querySelector("[data-player]");
  if (player) {
    const heads = [...root.querySelectorAll("[data-playhead]")];
    root.addEventListener("click", (event) => {
      const span = event.target.closest("[data-seek]");
      if (!span) return;
      event.preventDefault();
      player.currentTime = Number(span.dataset.seek);
      player.scrollIntoView({ block: "nearest", behavior: "smooth" });
      player.play().catch(() => {});
    });
    player.addEventListener("timeupdate", () => {
      const place = `${(100 * player.currentTime) / (player.duration || 1)}%`;
      for (const head of heads) {
        head.setAttribute("x1", place);
        head.setAttribute("x2", place);
        head.setAttribute("visibility", "visible");
      }
    });
  }
  for (const form of root.querySelectorAll("[data-name-form]")) setUpNaming(form);
}

function setUpNaming(form) {
  const row = form.closest("article");
  const status = form.querySelector("[data-form-status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    status.textContent = "Enrolling…";
    try {
      const done = await postForFragment(form.action, new FormData(form));
      const name = done.querySelector("bdi").textContent;
      for (const child of [...form.children]) if (child !== status) child.remove();
      status.replaceChildren(done);
      row.querySelector("[data-label] bdi").textContent = name;
      row.querySelector(".verdict").textContent = "✓ named by you";
      row.classList.remove("unknown", "unsure", "undecided");
      row.classList.add("match");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      status.replaceChildren(failureNode(error.message));
      button.disabled = false;
    }
  });
}
