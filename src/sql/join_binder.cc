#include "sql/join_binder.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/expr_tools.h"
#include "sql/name_text.h"

namespace penstock::sql {
namespace {

std::string_view text_of(JoinKind kind) {
  constexpr std::array<std::string_view, 4> kTexts = {"[INNER] JOIN", "LEFT [OUTER] JOIN",
                                                      "RIGHT [OUTER] JOIN", "FULL [OUTER] JOIN"};
  return kTexts[static_cast<std::size_t>(kind)];
}

std::string window_text(const Scope::Part& part) {
  return part.source->window
             ? fmt::format("`{}` is {} windowed", part.alias, name_of(part.source->window->kind))
             : fmt::format("`{}` is not windowed", part.alias);
}

std::vector<std::size_t> key_columns(const Scope::Part& part) {
  std::vector<std::size_t> out;
  const auto& columns = part.source->schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].role == data::ColumnRole::key) out.push_back(part.base + i);
  }
  return out;
}

bool is_column(const Expr& expr, std::size_t index) {
  const auto* column = std::get_if<ColumnExpr>(&expr.node);
  return column != nullptr && column->index == index;
}

// One join while it is looked at.
class JoinBinding {
 public:
  // key: what rows are keyed by that earlier joins have made; null: there was none.
  JoinBinding(const ast::Join& join, std::size_t part, const std::vector<ExprPtr>* key,
              Scope& scope, ExpressionBinder& binder)
      : join_(join), part_(part), key_(key), scope_(scope), binder_(binder) {}

  Parsed<BoundJoin> bind(SourceKind left_kind) {
    TRY(bind_sides());
    TRY(settle_shape(left_kind));
    TRY(check_within());
    TRY(check_windows());
    BoundJoin out{.step = {}, .part = part_};
    out.step.kind = join_.kind;
    out.step.shape = shape_;
    out.step.left = std::move(left_);
    out.step.right = std::move(right_);
    out.step.before_ms = join_.before_ms;
    out.step.after_ms = join_.after_ms;
    out.step.grace_ms = join_.grace_ms;
    return out;
  }

 private:
  const Scope::Part& right_part() const { return scope_.parts()[part_]; }

  // The parts of the scope that an expression reads.
  std::vector<std::size_t> parts_of(const Expr& expr) const {
    std::vector<std::size_t> out;
    for_each_column(expr, [&](std::size_t index) {
      const auto at = static_cast<std::size_t>(&scope_.part_of(index) - scope_.parts().data());
      if (std::ranges::find(out, at) == out.end()) out.push_back(at);
    });
    return out;
  }

  std::string on_text() const { return ast::to_text(*join_.on); }

  Parsed<void> bind_sides() {
    if (const auto* logical = std::get_if<ast::Logical>(&join_.on->node)) {
      if (logical->conjunction)
        return problem(
            join_.on->span,
            fmt::format("JOINs on multiple conditions are not yet supported: {}.", on_text()));
    }
    const auto* equal = std::get_if<ast::Binary>(&join_.on->node);
    if (equal == nullptr || equal->op != ast::BinaryOperator::equal) {
      return problem(join_.on->span,
                     fmt::format("Unsupported join expression: {}. A join needs an equality: ON "
                                 "a.id = b.id.",
                                 on_text()));
    }
    Bound left = TRY(binder_.bind(*equal->left));
    Bound right = TRY(binder_.bind(*equal->right));
    const std::size_t left_at = TRY(single_part(left, *equal->left));
    const std::size_t right_at = TRY(single_part(right, *equal->right));
    const bool flipped = left_at == part_;
    if ((left_at == part_) == (right_at == part_)) {
      return problem(
          join_.on->span,
          fmt::format("A join criteria is expected to reference the source (`{}`) in the FROM "
                      "clause, instead the right source references `{}` and the left source "
                      "references `{}`.",
                      right_part().alias, scope_.parts()[right_at].alias,
                      scope_.parts()[left_at].alias));
    }
    if (std::max(left_at, right_at) > part_) {
      return problem(join_.on->span,
                     "This names a source that is joined further behind; each ON names sources "
                     "in front of it.");
    }
    if (left.expr->type != right.expr->type) {
      return problem(join_.on->span,
                     fmt::format("Invalid join condition: types don't match. Got {}{{{}}} = "
                                 "{}{{{}}}.",
                                 ast::to_text(*equal->left), left.expr->type.text(),
                                 ast::to_text(*equal->right), right.expr->type.text()));
    }
    left_ = std::move(flipped ? right.expr : left.expr);
    right_ = std::move(flipped ? left.expr : right.expr);
    left_part_ = flipped ? right_at : left_at;
    return {};
  }

  Parsed<std::size_t> single_part(const Bound& side, const ast::Expression& written) const {
    const auto parts = parts_of(*side.expr);
    if (parts.size() == 1) return parts[0];
    return problem(written.span,
                   fmt::format("Invalid comparison expression '{}' in join '{}'. Each side of the "
                               "join comparision must contain references from exactly one source.",
                               ast::to_text(written), on_text()));
  }

  bool right_is_key() const {
    const auto keys = key_columns(right_part());
    return keys.size() == 1 && is_column(*right_, keys[0]);
  }

  std::unexpected<Diagnostic> wrong_key(std::string_view what) const {
    return problem(join_.on->span,
                   fmt::format("Invalid join condition: {}. Got {}.", what, on_text()));
  }

  Parsed<void> settle_shape(SourceKind left_kind) {
    const bool right_table = right_part().source->is_table();
    if (left_kind == SourceKind::table && !right_table) {
      return problem(join_.span,
                     fmt::format("Invalid join order: table-stream joins are not supported; only "
                                 "stream-table joins. Got {} {} {}.",
                                 scope_.first().alias, text_of(join_.kind), right_part().alias));
    }
    if (left_kind == SourceKind::stream && !right_table) {
      shape_ = JoinShape::stream_stream;
      return {};
    }
    if (left_kind == SourceKind::stream) {
      shape_ = JoinShape::stream_table;
      if (join_.kind == JoinKind::right || join_.kind == JoinKind::full) {
        return problem(join_.span,
                       fmt::format("Invalid join type: a {} between a stream and a table is not "
                                   "supported; INNER and LEFT are.",
                                   text_of(join_.kind)));
      }
      if (!right_is_key())
        return wrong_key("stream-table joins require to join on the table's primary key");
      return {};
    }
    return settle_tables();
  }

  // The key of a table that was joined by a foreign key is not that of the joined rows.
  bool left_is_key() const {
    const auto own = key_columns(scope_.parts()[left_part_]);
    if (own.size() != 1 || !is_column(*left_, own[0])) return false;
    return key_ == nullptr ||
           std::ranges::any_of(*key_, [&](const ExprPtr& one) { return same_expr(*one, *left_); });
  }

  Parsed<void> settle_tables() {
    if (!right_is_key())
      return wrong_key(
          "table-table joins require to join on the primary key of the right input table");
    const bool primary = left_is_key();
    shape_ = primary ? JoinShape::table_table : JoinShape::foreign_key;
    if (primary) return {};
    if (join_.kind == JoinKind::right || join_.kind == JoinKind::full) {
      return problem(join_.span,
                     fmt::format("Invalid join type: {} is not supported for a join on a foreign "
                                 "key; INNER and LEFT are. Got {}.",
                                 text_of(join_.kind), on_text()));
    }
    return {};
  }

  Parsed<void> check_within() const {
    if (shape_ == JoinShape::stream_stream) {
      if (join_.before_ms) return {};
      return problem(join_.span,
                     "Stream-Stream joins must have a WITHIN clause specified. None was provided: "
                     "JOIN ... WITHIN 1 HOUR ON ...");
    }
    if (!join_.before_ms) return {};
    return problem(join_.within_span,
                   fmt::format("A window definition was provided for a {} join. These joins are "
                               "not windowed. Please drop the window definition (ie. the WITHIN "
                               "clause) and try to execute your join again.",
                               shape_ == JoinShape::stream_table ? "Stream-Table" : "Table-Table"));
  }

  Parsed<void> check_windows() const {
    const Scope::Part& left = scope_.parts()[left_part_];
    const Scope::Part& right = right_part();
    const auto &lw = left.source->window, &rw = right.source->window;
    if (!lw && !rw) return {};
    const std::string both = fmt::format("{}\n{}", window_text(left), window_text(right));
    if (lw.has_value() != rw.has_value())
      return problem(join_.span,
                     fmt::format("Can not join windowed source to non-windowed source.\n{}", both));
    const bool sessions = lw->kind == WindowKind::session;
    if (sessions != (rw->kind == WindowKind::session))
      return problem(join_.span, fmt::format("Incompatible windowed sources.\n{}", both));
    for (const auto& [side, part] :
         {std::pair<const Expr*, const Scope::Part*>(left_.get(), &left), {right_.get(), &right}}) {
      const auto keys = key_columns(*part);
      if (keys.size() == 1 && is_column(*side, keys[0])) continue;
      return problem(join_.on->span,
                     fmt::format("Implicit repartitioning of windowed sources is not supported: "
                                 "{} is joined by something else than its key.",
                                 part->alias));
    }
    return {};
  }

  const ast::Join& join_;
  const std::size_t part_;
  const std::vector<ExprPtr>* const key_;
  Scope& scope_;
  ExpressionBinder& binder_;
  ExprPtr left_, right_;
  std::size_t left_part_ = 0;
  JoinShape shape_ = JoinShape::stream_stream;
};

// What the joined rows' key is, join by join.
class RunningKey {
 public:
  // Settles whether the join goes on by the key that is there.
  void follow(BoundJoin& join, const Scope& scope) {
    if (join.step.shape == JoinShape::foreign_key) {
      if (!began_) begin(key_columns(scope.first()), scope);
    } else {
      const bool goes_on = std::ranges::any_of(
          same_, [&](const ExprPtr& one) { return same_expr(*one, *join.step.left); });
      join.keeps_key = goes_on && joined_;
      if (!goes_on) same_.clear();
      follow_columns(join.step);
      if (!goes_on) same_.push_back(clone(*join.step.left));
      same_.push_back(clone(*join.step.right));
      joined_ = true;
    }
    began_ = true;
  }
  const data::Type& type() const { return same_.front()->type; }
  // All that has the key's value; null before the first join.
  const std::vector<ExprPtr>* same() const { return began_ ? &same_ : nullptr; }
  std::vector<std::vector<std::size_t>> take_columns() { return std::move(columns_); }

 private:
  // A left row's key stays when it is joined by a foreign one.
  void begin(const std::vector<std::size_t>& keys, const Scope& scope) {
    for (const std::size_t key : keys) columns_.push_back({key});
    if (keys.size() == 1) same_.push_back(make_column(keys[0], scope.type_at(keys[0]), {}));
  }
  void follow_columns(const JoinStep& step) {
    const auto* left = std::get_if<ColumnExpr>(&step.left->node);
    const auto* right = std::get_if<ColumnExpr>(&step.right->node);
    std::vector<std::size_t> columns;
    if (columns_.size() == 1) columns = std::move(columns_.front());
    columns_.clear();
    const bool goes_on =
        left != nullptr && std::ranges::find(columns, left->index) != columns.end();
    if (!goes_on) columns.clear();
    if (step.kind == JoinKind::full) return;
    if (left != nullptr && !goes_on) columns.push_back(left->index);
    if (right != nullptr) columns.push_back(right->index);
    if (!columns.empty()) columns_.push_back(std::move(columns));
  }

  std::vector<ExprPtr> same_;  // what has its value, where it is there
  std::vector<std::vector<std::size_t>> columns_;
  bool began_ = false;
  bool joined_ = false;  // by what both sides share, so that rows carry it
};

}  // namespace

SourceKind kind_after(const Scope& scope, const std::vector<BoundJoin>& joins, std::size_t n) {
  if (n == 0) return scope.first().source->kind;
  const JoinShape shape = joins[n - 1].step.shape;
  const bool table = shape == JoinShape::table_table || shape == JoinShape::foreign_key;
  return table ? SourceKind::table : SourceKind::stream;
}

Parsed<BoundJoins> bind_joins(const ast::Query& query, Scope& scope, ExpressionBinder& binder) {
  BoundJoins out;
  RunningKey key;
  for (std::size_t i = 0; i < query.joins.size(); ++i) {
    JoinBinding binding(query.joins[i], i + 1, key.same(), scope, binder);
    BoundJoin join = TRY(binding.bind(kind_after(scope, out.joins, i)));
    key.follow(join, scope);
    out.joins.push_back(std::move(join));
  }
  out.keys = key.take_columns();
  if (out.keys.empty()) scope.add_key(key.type());
  return out;
}

}  // namespace penstock::sql
