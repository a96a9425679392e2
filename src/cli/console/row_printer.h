// Rows of a query on standard output, as they come.
#pragma once

#include <string>
#include <vector>

#include "cli/console/sql_target.h"
#include "cli/console/table.h"
#include "cli/terminal.h"

namespace penstock::cli {

class RowPrinter final : public RowSink {
 public:
  enum class Form : std::uint8_t { table, json };
  // columns_max: of the terminal, 0 when it is none. The output outlives the printer.
  RowPrinter(Output& output, Form form, std::size_t columns_max, Overlong overlong)
      : output_(output), form_(form), columns_max_(columns_max), overlong_(overlong) {}

  Result<> head(const std::vector<Head>& columns) override;
  Result<> row(const std::vector<std::string>& cells) override;
  Result<> text(std::string_view line) override;
  Result<> skipped(std::string_view text) override;
  Result<> pause() override { return output_.flush(); }
  Result<> finish();  // the table's last rule; on standard error, what was left out

  std::uint64_t rows() const { return rows_; }

 private:
  Output& output_;
  Form form_;
  std::size_t columns_max_;
  Overlong overlong_;
  std::vector<TableColumn> columns_;
  std::uint64_t rows_ = 0;
  std::string skipped_;  // as it was told last
};

}  // namespace penstock::cli
