using System.Text.Json.Nodes;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.ControlPlane.Subresources;

/// <summary>What the guest agent knows, as the guestosinfo, userlist and filesystemlist subresources tell it.</summary>
public static class GuestDocuments
{
    private const string ApiVersion = "kubevirt.io/v1";

    public static JsonObject Info(GuestAgentObservation agent)
    {
        var info = new JsonObject
        {
            ["kind"] = "VirtualMachineInstanceGuestAgentInfo",
            ["apiVersion"] = ApiVersion,
            ["guestAgentVersion"] = agent.Version,
            ["supportedCommands"] = new JsonArray([.. agent.Commands.Select(c => (JsonNode)new JsonObject { ["name"] = c, ["enabled"] = true })]),
            ["hostname"] = agent.Hostname,
            ["timezone"] = agent.Timezone,
            ["fsFreezeStatus"] = agent.FsFreezeStatus,
            ["userList"] = UserItems(agent),
            ["fsInfo"] = new JsonObject { ["disks"] = FilesystemItems(agent) },
        };
        if (agent.Os is { } os)
        {
            info["os"] = Present(new JsonObject
            {
                ["name"] = os.Name,
                ["kernelRelease"] = os.KernelRelease,
                ["version"] = os.Version,
                ["prettyName"] = os.PrettyName,
                ["versionId"] = os.VersionId,
                ["kernelVersion"] = os.KernelVersion,
                ["machine"] = os.Machine,
                ["id"] = os.Id,
            });
        }

        return Present(info);
    }

    public static JsonObject Users(GuestAgentObservation agent) => List("VirtualMachineInstanceGuestOSUserList", UserItems(agent));

    public static JsonObject Filesystems(GuestAgentObservation agent) => List("VirtualMachineInstanceFileSystemList", FilesystemItems(agent));

    private static JsonObject List(string kind, JsonArray items) =>
        new() { ["kind"] = kind, ["apiVersion"] = ApiVersion, ["metadata"] = new JsonObject(), ["items"] = items };

    private static JsonArray UserItems(GuestAgentObservation agent) =>
        [.. agent.Users.Select(u => (JsonNode)Present(new JsonObject { ["userName"] = u.UserName, ["domain"] = u.Domain, ["loginTime"] = u.LoginTime }))];

    private static JsonArray FilesystemItems(GuestAgentObservation agent) =>
    [
        .. agent.Filesystems.Select(f => (JsonNode)new JsonObject
        {
            ["diskName"] = f.DiskName, ["mountPoint"] = f.MountPoint, ["fileSystemType"] = f.Type, ["usedBytes"] = f.UsedBytes, ["totalBytes"] = f.TotalBytes,
            ["disk"] = new JsonArray([.. f.Disks.Select(d => (JsonNode)Present(new JsonObject { ["serial"] = d.Serial, ["busType"] = d.BusType }))]),
        }),
    ];

    /// <summary>Without the members that are null.</summary>
    private static JsonObject Present(JsonObject obj)
    {
        foreach (var absent in obj.Where(m => m.Value is null).Select(m => m.Key).ToList())
            obj.Remove(absent);
        return obj;
    }
}
