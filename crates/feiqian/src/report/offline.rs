//! A report from a folder's log alone.

use std::ops::ControlFlow;
use std::path::Path;

use feiqian_core::Event;
use feiqian_gateway::reports::tables::{self, Report};
use feiqian_log::Reader;
use feiqian_reports::Totals;
use feiqian_reports::campaign::Sight;

use super::{Form, Question};
use crate::audit::pipeline;
use crate::{Failure, folder};

pub fn report(data: &Path, question: &Question, form: &Form) -> Result<String, Failure> {
    let totals = totals(data)?;
    match question {
        Question::Income(asked) => written(&tables::income(&totals, *asked), form),
        Question::Share(asked) => written(&tables::share(&totals, *asked), form),
        Question::Campaign(id) => {
            let report = tables::campaign(&totals, *id, Sight::All);
            written(&report.ok_or("there is no such campaign")?, form)
        }
    }
}

/// The log of a data folder.
pub fn log(data: &Path) -> Result<Reader, Failure> {
    let dir = data.join("log");
    if !dir.is_dir() {
        let data = data.display();
        return Err(format!("{data} is no data folder of Feiqian: it has no log").into());
    }
    Ok(Reader::open(&dir)?)
}

fn totals(data: &Path) -> Result<Totals, Failure> {
    let reader = log(data)?;
    let bar = folder::bar("reading the log");
    let mut totals = Totals::default();
    let read = pipeline::read(&reader, |events: Vec<Event>| {
        events.iter().for_each(|event| totals.read(event));
        bar.set_position(totals.next().0);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    read.map_err(|failure| crate::with_causes(&*failure))?;
    Ok(totals)
}

fn written<R: Report>(report: &R, form: &Form) -> Result<String, Failure> {
    match form {
        Form::Json => Ok(serde_json::to_string(report)?),
        Form::Csv(table) => {
            let table = table.as_deref().unwrap_or(R::TABLES[0]);
            let tables = R::TABLES.join(", ");
            let unknown = || format!("the tables of this report are {tables}").into();
            report.csv(table).ok_or_else(unknown)
        }
    }
}
