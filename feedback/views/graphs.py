"""``/v1/analytics/graphs/feedbacks``: what Portkey's analytics calls say of ratings, by when they were given."""

from __future__ import annotations

from django.http import HttpResponse

from feedback import figures
from feedback.models import Feedback
from feedback.querysets import FeedbackQuerySet
from logs.analytics.api_types import GRAPH_TYPES
from logs.analytics.calls import analytics_endpoint, graph_response
from logs.analytics.graphs import Graph, number, over_time
from logs.analytics.rollup_queries import Asked
from portkey_logs.api.keys import ApiRequest


def _feedbacks(request: ApiRequest, asked: Asked) -> HttpResponse:
    buckets = figures.over_time(_ratings(asked), asked.grid)
    points = over_time(asked, lambda place: {"total": buckets[place].ratings})
    return graph_response(Graph({"total": figures.total(buckets).ratings}, points))


def _scores(request: ApiRequest, asked: Asked) -> HttpResponse:
    found = figures.by_exact_value(_ratings(asked))
    points = [{"score": number(value), "total": count} for value, count in found]
    return graph_response(Graph({"total": sum(count for _, count in found)}, points))


def _weighted(request: ApiRequest, asked: Asked) -> HttpResponse:
    buckets = figures.over_time(_ratings(asked), asked.grid)
    points = over_time(asked, lambda place: {"avg": number(buckets[place].average)})
    return graph_response(Graph({"avg": number(figures.total(buckets).average)}, points))


def _ai_models(request: ApiRequest, asked: Asked) -> HttpResponse:
    found = figures.by("model", _ratings(asked), most=None)
    points = [
        {"ai_model": group.key, "total": group.ratings, "avg_weighted_feedback": number(group.average)}
        for group in found
    ]
    return graph_response(Graph({"total": sum(group.ratings for group in found)}, points))


def _ratings(asked: Asked) -> FeedbackQuerySet:
    """The ratings given in this time; with filters, those on logs that pass them."""
    ratings = Feedback.objects.filter(workspace=asked.workspace_id).standing()
    ratings = ratings.since(asked.grid.since).until(asked.grid.until)
    if asked.filters:
        ratings = ratings.filter(log_id__in=asked.logs.values("id"))
    return ratings


feedbacks = analytics_endpoint(_feedbacks, "Graph: ratings", GRAPH_TYPES["feedbacks"])
scores = analytics_endpoint(_scores, "Graph: ratings by value", GRAPH_TYPES["feedbacks/scores"])
weighted = analytics_endpoint(_weighted, "Graph: weighted average rating", GRAPH_TYPES["feedbacks/weighted"])
ai_models = analytics_endpoint(_ai_models, "Graph: ratings by model", GRAPH_TYPES["feedbacks/ai-models"])
