//! A CSV table, for people: columns aligned, amounts in yuan, shares in percent.

use feiqian_core::Fen;
use feiqian_gateway::reports::tables::AMOUNTS;

use crate::Failure;

pub fn of(csv: &str) -> Result<String, Failure> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let mut lines = vec![
        columns
            .iter()
            .map(|name| name.replace('_', " "))
            .collect::<Vec<_>>(),
    ];
    for record in reader.records() {
        let record = record?;
        let cells = columns.iter().zip(&record);
        lines.push(cells.map(|(name, value)| shown(name, value)).collect());
    }
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths);
        let padded: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:>width$}"))
            .collect();
        padded.join("  ")
    };
    let mut text: Vec<String> = lines.iter().map(line).collect();
    text.push("amounts in yuan; - is not known, or hidden".into());
    Ok(text.join("\n"))
}

fn shown(name: &str, value: &str) -> String {
    match value.parse::<i64>() {
        Ok(fen) if AMOUNTS.contains(&name) => Fen(fen).to_string(),
        // Hundredths of a percent, as an amount has hundredths of a yuan.
        Ok(basis_points) if name.ends_with("_share") => format!("{} %", Fen(basis_points)),
        Ok(_) => value.to_owned(),
        Err(_) if value.is_empty() => "-".to_owned(),
        Err(_) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn amounts_are_yuan_and_shares_percent() {
        let csv =
            "period,subsidy,volume_share,payments,subsidy_per_new_user\n2026-01,-123456,10000,7,\n";
        let table = super::of(csv).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines[0],
            " period   subsidy  volume share  payments  subsidy per new user"
        );
        assert_eq!(
            lines[1],
            "2026-01  -1234.56      100.00 %         7                     -"
        );
    }
}
