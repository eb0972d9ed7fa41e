using Akka.Cluster;

namespace Troupe.ControlPlane.Hosting;

/// <summary>For kubelet's probes.</summary>
public static class HealthEndpoints
{
    public static void MapHealth(this WebApplication app, Cluster cluster)
    {
        app.MapGet("/healthz", () => "ok");
        // One that is not a member (any more) can ask no actor: requests belong to the others.
        app.MapGet("/readyz", () => cluster.SelfMember.Status is MemberStatus.Up
            ? Results.Text("ok")
            : Results.Text($"this member of the cluster is {cluster.SelfMember.Status}, not Up", statusCode: StatusCodes.Status503ServiceUnavailable));
    }
}
