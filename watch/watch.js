"use strict";

const token = document.querySelector("meta[name=token]").content;

function ask(what, name, act) {
    fetch("/do", { method: "POST", body: new URLSearchParams({ token, what, name, do: act }) });
}

function show(snapshot) {
    const rows = snapshot.services.map((service) => {
        const row = document.createElement("tr");
        for (const text of [service.name, service.state, service.address, service.ended]) {
            row.insertCell().textContent = text;
        }
        for (const act of ["start", "stop"]) {
            const button = document.createElement("button");
            button.textContent = act;
            button.onclick = () => ask("service", service.name, act);
            row.insertCell().append(button);
        }
        return row;
    });
    document.getElementById("services").replaceChildren(...rows);
}

const record = document.getElementById("record");
if (record) {
    JSON.parse(record.textContent).forEach(show);
} else {
    new EventSource("/events").onmessage = (event) => show(JSON.parse(event.data));
}
