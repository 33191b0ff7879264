import "./wallet.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { WithSpeech } from "../desk/say";
import { App } from "./App";

const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><WithSpeech><App /></WithSpeech></StrictMode>);
// The shell is kept, so that the pay code is there without the network.
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/wallet/worker.js", { scope: "/wallet/" }).catch(() => undefined);
