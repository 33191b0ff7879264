//! `feiqian bench redpackets`: shares taken from a stream of red packets.
//!
//! Packets are sent as the stream needs them, and each is emptied by as many users as it has shares. A
//! grab counts when it is durable; what was sent is counted beside.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use clap::Args;
use feiqian_core::packet::Kind;
use feiqian_core::packet::draw::Seed;
use feiqian_core::packet::{grab::GrabShare, send::SendPacket};
use feiqian_core::{Command, EventNumber, Fen, PacketId, UserId};
use serde_json::{Value, json};

use super::chance::Chance;
use super::load::{Load, Pace, Work};
use super::payment::{Numbers, fresh};
use super::set_up::{World, wait_for_store};
use super::{process, report};
use crate::Failure;

/// Packets that are open or on their way before more are sent.
const AHEAD: usize = 256;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: World,
    /// Shares of each packet
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    shares: u16,
    /// Seconds to measure
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Seconds before measuring
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Folder to use and keep; one with enough wallets is used as it is [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    if options.world.wallets < u32::from(options.shares) {
        return Err("there are fewer wallets than shares, and nobody takes two".into());
    }
    let figures = report::in_folder(options.data.as_deref(), |dir| measure(options, dir))?;
    report::print(&figures, options.json);
    Ok(())
}

fn measure(options: &Options, dir: &Path) -> Result<Value, Failure> {
    let engine = options.world.open(dir)?;
    let in_flight = options.world.in_flight;
    let mut packets = Packets {
        wallets: options.world.wallets,
        shares: options.shares,
        numbers: Numbers::new(&format!("{:x}", fresh())),
        chance: Chance(1),
        sent: 0,
        sending: vec![false; in_flight],
        on_the_way: 0,
        open: VecDeque::new(),
    };
    let pace = Pace {
        in_flight,
        warm_up: options.warm_up,
        seconds: options.seconds,
        ..Pace::default()
    };
    let run = Load::new(&engine, &mut packets, pace).run()?;
    let rates = run.rates();
    wait_for_store(&engine)?;
    engine.stop();
    Ok(json!({
        "machine": process::machine(),
        "wallets": options.world.wallets,
        "in_flight": in_flight,
        "shares": options.shares,
        "packets_sent": packets.sent,
        "grabs_per_second": report::windows(&rates),
        "grab_submit_to_durable_ms": report::quantiles(&run.commands),
        "cpu_us_per_grab": report::per_thing(&run.cpu, run.things.count()),
        "peak_memory_bytes": process::peak_memory(),
    }))
}

/// A packet that is being emptied: the users after `next` take its shares.
struct Open {
    packet: PacketId,
    next: u32,
    left: u16,
}

struct Packets {
    wallets: u32,
    shares: u16,
    numbers: Numbers,
    chance: Chance,
    sent: u64,
    /// Of each slot, whether it sends a packet.
    sending: Vec<bool>,
    on_the_way: usize,
    open: VecDeque<Open>,
}

impl Packets {
    fn send(&mut self, slot: usize) -> Command {
        self.sending[slot] = true;
        self.on_the_way += 1;
        self.sent += 1;
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&self.sent.to_le_bytes());
        SendPacket {
            sender: UserId(self.chance.below(self.wallets)),
            number: self.numbers.number(self.sent),
            kind: Kind::Lucky,
            to: None,
            total: Fen(i64::from(self.shares) * 100),
            shares: self.shares,
            message: None,
            seed: Seed(seed),
        }
        .into()
    }

    /// The next share of the oldest packet.
    fn grab(&mut self) -> Option<Command> {
        let open = self.open.front_mut()?;
        let (packet, user) = (open.packet, UserId(open.next));
        open.next = (open.next + 1) % self.wallets;
        open.left -= 1;
        if open.left == 0 {
            self.open.pop_front();
        }
        Some(GrabShare { packet, user }.into())
    }
}

impl Work for Packets {
    fn begin(&mut self, slot: usize) -> Option<Command> {
        if self.open.len() + self.on_the_way < AHEAD {
            return Some(self.send(slot));
        }
        self.grab().or_else(|| Some(self.send(slot)))
    }

    fn go_on(&mut self, slot: usize, event: EventNumber) -> Option<Command> {
        if !std::mem::take(&mut self.sending[slot]) {
            return None;
        }
        self.on_the_way -= 1;
        self.open.push_back(Open {
            packet: PacketId::new(event)?,
            next: self.chance.below(self.wallets),
            left: self.shares,
        });
        self.grab()
    }
}
