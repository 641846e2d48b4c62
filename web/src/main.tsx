import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { start } from "./app/session";
import { applyTheme } from "./live/preferences";
import { meetServer } from "./live/server";
import "./ui/styles/index.css";

applyTheme();
start();
void meetServer();

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(<App />);
}
